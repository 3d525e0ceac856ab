/* Reasons of decisions in words, for one line on stderr; the stand-in uses them too. */
#include "shim.h"

const char *report_words(enum pants_reason reason) {
    switch (reason) {
    case PANTS_WHY_SLOT:
        return "a slot was free";
    case PANTS_WHY_LENT:
        return "inside a slot that is held already";
    case PANTS_WHY_GUEST:
        return "part of a job run here for another host";
    case PANTS_WHY_NO_DAEMON:
        return "no daemon";
    case PANTS_WHY_NO_REMOTE:
        return "nobody could help a moment ago";
    case PANTS_WHY_NO_STANDIN:
        return "prex is not beside libprex.so";
    case PANTS_WHY_UNFIT:
        return "cannot be carried";
    case PANTS_WHY_NO_HELPER:
        return "no helper";
    case PANTS_WHY_REFUSED:
        return "refused";
    case PANTS_WHY_FAULT:
        return "something broke before the start";
    case PANTS_WHY_REMOTE_BUSY:
        return "this host is busy";
    case PANTS_WHY_REMOTE_FULL:
        return "every slot is taken";
    case PANTS_WHY_REMOTE_FIRST:
        return "prexd has other hosts at hand";
    case PANTS_WHY_ALWAYS:
        return "PANTS_POLICY=always";
    case PANTS_WHY_RERUN:
        return "lost elsewhere, run again";
    default:
        return "not said";
    }
}
