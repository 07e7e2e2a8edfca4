/* Computes by series that need a dozen terms at most, in ranges where these are small. */
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

static inline double polynomial(const double *coefficients, int count, double x) {
  double sum = 0;
  while (count--)
    sum = sum * x + coefficients[count];
  return sum;
}

/* log(m * 2^e) is log(m) + e * log(2), and log(m) is 2 * (s + s^3 / 3 + s^5 / 5 ...) with s = (m - 1) / (m +
 * 1). */
double exponential_draw(double uniform) {
  static const double odd[] = {2., 2. / 3, 2. / 5, 2. / 7, 2. / 9, 2. / 11, 2. / 13, 2. / 15};
  uint64_t bits;
  memcpy(&bits, &uniform, sizeof bits);
  int exponent = (int)(bits >> 52) - 1023;
  double m = of_bits((bits & ((UINT64_C(1) << 52) - 1)) | EXPONENT(0));
  if (m > SQRT_2) {
    m /= 2;
    exponent++;
  }
  double s = (m - 1) / (m + 1);
  return -(s * polynomial(odd, 8, s * s) + exponent * LN_2);
}

/* exp(-d) is exp(-r) * 2^-k with d = k * log(2) + r. 1 - exp(-r) is r - r^2 / 2 + r^3 / 6 ..., which loses no
 * digits where r is small. */
double exponential_below(double distance) {
  static const double inverse_factorials[] = {1.,        -1. / 2,   1. / 6,      -1. / 24,    1. / 120,
                                              -1. / 720, 1. / 5040, -1. / 40320, 1. / 362880, -1. / 3628800};
  if (distance > 40)
    return 1;
  int k = (int)(distance / LN_2 + 0.5);
  double r = distance - k * LN_2, below = r * polynomial(inverse_factorials, 10, r);
  return k ? 1 - (1 - below) * of_bits(EXPONENT(-k)) : below;
}
