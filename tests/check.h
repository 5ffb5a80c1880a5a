/* check: the test framework. A test is a function without arguments; it fails at its first CHECK that is false.
 * Each prints "ok - name" or "not ok - name # file:line: what"; tests/run counts these lines. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_failures;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("not ok - %s # %s:%d: %s\n", __func__, __FILE__, __LINE__, #condition); \
            fflush(stdout); \
            check_failures++; \
            return; \
        } \
    } while (0)

/* Fails unless two struct text have the same bytes; prints both. */
#define CHECK_TEXT(a, b) \
    do { \
        struct text check_a = (a), check_b = (b); \
        if (!text_equal(check_a, check_b)) { \
            printf("not ok - %s # %s:%d: \"%.*s\" is not \"%.*s\"\n", __func__, __FILE__, __LINE__, (int)check_a.size, \
                   check_a.data ? check_a.data : "", (int)check_b.size, check_b.data ? check_b.data : ""); \
            fflush(stdout); \
            check_failures++; \
            return; \
        } \
    } while (0)

#define RUN(test) \
    do { \
        int check_before = check_failures; \
        test(); \
        if (check_failures == check_before) printf("ok - %s\n", #test); \
        fflush(stdout); \
    } while (0)

#define CHECK_EXIT() (check_failures ? EXIT_FAILURE : EXIT_SUCCESS)

#endif
