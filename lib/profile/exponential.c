/* Computes by series that need a dozen terms, in ranges where these are small. */
#include "profile/exponential.h"

#include <stdint.h>
#include <string.h>

#define LN_2        0.69314718055994530942
#define SQRT_2      1.41421356237309504880
#define EXPONENT(e) ((uint64_t)(1023 + (e)) << 52) /* the bits of 2 to the power of e */

static double of_bits(uint64_t bits) {
  double number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

/* log(m * 2^e) is log(m) + e * log(2), and log(m) is 2 * (s + s^3 / 3 + s^5 / 5 ...) with s = (m - 1) / (m +
 * 1). */
double exponential_draw(double uniform) {
  uint64_t bits;
  memcpy(&bits, &uniform, sizeof bits);
  int exponent = (int)(bits >> 52) - 1023;
  double m = of_bits((bits & ((UINT64_C(1) << 52) - 1)) | EXPONENT(0));
  if (m > SQRT_2) {
    m /= 2;
    exponent++;
  }
  double s = (m - 1) / (m + 1), power = s, sum = 0;
  for (int i = 1; i < 16; i += 2) {
    sum += power / i;
    power *= s * s;
  }
  return -(2 * sum + exponent * LN_2);
}

/* 1 - exp(-r) as r - r^2 / 2 + r^3 / 6 ..., which loses no digits where it is small. */
static double below_small(double r) {
  double term = r, sum = 0;
  for (int i = 2; i < 18; i++) {
    sum += term;
    term *= -r / i;
  }
  return sum;
}

/* exp(-d) is exp(-r) * 2^-k with d = k * log(2) + r. */
double exponential_below(double distance) {
  if (distance > 40)
    return 1;
  int k = (int)(distance / LN_2);
  double below = below_small(distance - k * LN_2);
  return k ? 1 - (1 - below) * of_bits(EXPONENT(-k)) : below;
}
