/* The exponential distribution, without the mathematics library: ours need nothing but libc, wherever they
 * are loaded. Both are exact to some ten digits, allocate nothing, and read no rounding mode but the usual
 * one. */
#ifndef ARROWPOOL_PROFILE_EXPONENTIAL_H
#define ARROWPOOL_PROFILE_EXPONENTIAL_H

/* Turns a uniform number, above 0 and at most 1, into one that is distributed with the mean 1: -log(uniform).
 */
double exponential_draw(double uniform);

/* Returns how probable it is that one is below `distance` (0 or more): 1 - exp(-distance). */
double exponential_below(double distance);

#endif
