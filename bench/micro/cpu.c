/* cpu MFLOP N: so many million floating-point operations (paper, 3.2: the CPU test). N, the child's number,
 * is not used. */
#include "child.h"

/* Four sums that do not wait for each other, as a program that was written to compute has them. */
static double compute(long rounds) {
    double a = 1.0, b = 1.1, c = 1.2, d = 1.3;
    for (long i = 0; i < rounds; i++) {
        a = a * 0.999999 + 0.000001;
        b = b * 0.999998 + 0.000002;
        c = c * 0.999997 + 0.000003;
        d = d * 0.999996 + 0.000004;
    }
    return a + b + c + d;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    double mflop = number(argv[1]), began = now_s(CLOCK_REALTIME);
    volatile double result = compute((long)(mflop * 1e6 / 8));
    (void)result;
    report(began, mflop, "Mflop");
    return 0;
}
