/* PANTS_POLICY. A walk through the environment costs a tenth of an unmarked exec, so it is made at each call
 * only in programs that had the variable when they started. */
#include "shim.h"

static bool found_at_start;

static bool find(void) {
    static const char always[] = "always";
    const char *policy = pants_variable(environ, "PANTS_POLICY");
    for (unsigned i = 0; policy && i < sizeof always; i++)
        if (policy[i] != always[i]) return false;
    return policy;
}

__attribute__((constructor)) static void look(void) {
    found_at_start = find();
}

bool policy_always(void) {
    return found_at_start && find();
}
