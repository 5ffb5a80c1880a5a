/* answer: the result of a question that may be impossible to decide. It is not an error: an operation that succeeds or
 * fails returns 0 or -1, and what a client is told is in error.h.
 *
 * On ANSWER_CANNOT_SAY a caller that protects something must refuse (fail closed). ANSWER_NO is 0, but an answer must
 * be compared with a name and not used as a condition, because ANSWER_CANNOT_SAY is not 0. No RFC defines it. */
#ifndef BASE_ANSWER_H
#define BASE_ANSWER_H

#include <stdbool.h>

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_CANNOT_SAY };

/* The answer to a question that has been decided. */
static inline enum answer answer_of(bool yes) { return yes ? ANSWER_YES : ANSWER_NO; }

/* The opposite answer; it stays undecided if it was. */
static inline enum answer answer_not(enum answer answer)
{
    if (answer == ANSWER_CANNOT_SAY) return answer;
    return answer == ANSWER_YES ? ANSWER_NO : ANSWER_YES;
}

#endif
