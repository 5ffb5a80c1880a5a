/* record_space: no unit is allocated twice, and freed units are not reused at once. */
#include "../../app/region/record_space.h"

#include "../check.h"

static void places_run_out_and_never_overlap(void)
{
    struct record_space map;
    unsigned char owner[100] = { 0 };
    CHECK(record_space_open(&map, 100) == 0);
    unsigned taken = 0;
    for (uint32_t place; (place = record_space_take(&map, 3, 0)) != 0; taken++) {
        CHECK(place + 3 <= 100);
        for (uint32_t unit = place; unit < place + 3; unit++) CHECK(owner[unit]++ == 0);
    }
    CHECK(taken == 33 && owner[0] == 0);
    CHECK(record_space_take(&map, 1, 0) == 0);
    record_space_close(&map);
}

static void what_is_held_is_not_given(void)
{
    struct record_space map;
    CHECK(record_space_open(&map, 200) == 0);
    record_space_hold(&map, 1, 130);
    record_space_hold(&map, 140, 60);
    CHECK(record_space_take(&map, 10, 0) == 0);
    CHECK(record_space_take(&map, 9, 0) == 131);
    CHECK(record_space_take(&map, 1, 0) == 0);
    record_space_close(&map);
}

static void what_was_given_up_rests(void)
{
    struct record_space map;
    CHECK(record_space_open(&map, 10) == 0);
    record_space_hold(&map, 1, 6);
    record_space_rest(&map, 2, 1, 1000);
    CHECK(record_space_take(&map, 1, 1000) == 7 && record_space_take(&map, 1, 1000) == 8);
    record_space_rest(&map, 4, 2, 1500);
    CHECK(record_space_take(&map, 1, 1000 + RECORD_SPACE_REST_MS) == 9);
    CHECK(record_space_take(&map, 1, 1000 + RECORD_SPACE_REST_MS) == 2);
    CHECK(record_space_take(&map, 2, 1000 + RECORD_SPACE_REST_MS) == 4);      /* freed too recently, but no other space is left */
    CHECK(record_space_take(&map, 1, 1000 + RECORD_SPACE_REST_MS) == 0);
    record_space_close(&map);
}

static void many_rest_in_their_order(void)
{
    struct record_space map;
    CHECK(record_space_open(&map, 2001) == 0);
    for (uint64_t round = 0; round < 20; round++) {
        uint32_t places[1000];
        for (size_t i = 0; i < 1000; i++) CHECK((places[i] = record_space_take(&map, 1, round * RECORD_SPACE_REST_MS)) != 0);
        for (size_t i = 0; i < 1000; i++) record_space_rest(&map, places[i], 1, round * RECORD_SPACE_REST_MS);
        CHECK(map.count == 1000);
    }
    record_space_close(&map);
}

static void an_impossible_size_is_none(void)
{
    struct record_space map;
    CHECK(record_space_open(&map, 10) == 0);
    CHECK(record_space_take(&map, 10, 0) == 0 && record_space_take(&map, 4097, 0) == 0);
    CHECK(record_space_take(&map, 9, 0) == 1);
    record_space_close(&map);
}

int main(void)
{
    RUN(places_run_out_and_never_overlap);
    RUN(what_is_held_is_not_given);
    RUN(what_was_given_up_rests);
    RUN(many_rest_in_their_order);
    RUN(an_impossible_size_is_none);
    return CHECK_EXIT();
}
