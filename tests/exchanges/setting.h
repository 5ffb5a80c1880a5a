/* setting: the lines of a block that make its world, and those that look into it. exchanges.c lists them. */
#ifndef TESTS_EXCHANGES_SETTING_H
#define TESTS_EXCHANGES_SETTING_H

#include "script.h"

/* 0, or -1: the line is none, or what it says does not hold. */
int setting_apply(struct script *script, struct text line);

#endif
