// test_list.c -- the intrusive list.
// SPDX-License-Identifier: MIT
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct item {
    int id;
    struct list node;
};

static void expect(const struct list *head, const char *ids)
{
    const struct list *node = head->next;
    for (; *ids; ids++, node = node->next) {
        assert_ptr_not_equal(node, head);
        assert_int_equal(container_of(node, struct item, node)->id, *ids - '0');
        assert_ptr_equal(node->next->prev, node);
    }
    assert_ptr_equal(node, head);
}

static void zeroed_is_empty_and_unlinked(void **state)
{
    (void)state;
    struct list head = {0};
    struct item one = {.id = 1};
    assert_true(list_is_empty(&head));
    assert_false(list_is_linked(&one.node));
    assert_null(list_pop_front(&head));
    list_remove(&one.node);
    list_init(&head);
    assert_true(list_is_empty(&head));
}

static void order_is_kept(void **state)
{
    (void)state;
    struct list head;
    struct item items[6];
    memset(items, 0, sizeof(items));
    list_init(&head);
    for (int i = 1; i <= 5; i++) {
        items[i].id = i;
    }
    list_push_back(&head, &items[2].node);
    list_push_back(&head, &items[3].node);
    list_push_front(&head, &items[1].node);
    list_insert(&items[2].node, &items[5].node);
    expect(&head, "1253");
    assert_ptr_equal(list_first(&head, struct item, node), &items[1]);
    list_remove(&items[5].node);
    list_remove(&items[5].node);
    assert_false(list_is_linked(&items[5].node));
    expect(&head, "123");
    assert_ptr_equal(list_pop_front(&head), &items[1].node);
    assert_false(list_is_linked(&items[1].node));
    expect(&head, "23");
}

static void each_may_remove_the_current_one(void **state)
{
    (void)state;
    struct list head, *node, *tmp;
    list_init(&head);
    for (int i = 0; i < 9; i++) {
        struct item *item = calloc(1, sizeof(*item));
        assert_non_null(item);
        item->id = i;
        list_push_back(&head, &item->node);
    }
    list_each(node, tmp, &head)
    {
        struct item *item = container_of(node, struct item, node);
        if (item->id % 2) {
            list_remove(node);
            free(item);
        }
    }
    expect(&head, "02468");
    list_each(node, tmp, &head)
    {
        list_remove(node);
        free(container_of(node, struct item, node));
    }
    assert_true(list_is_empty(&head));
}

static void splice_moves_everything_to_the_end(void **state)
{
    (void)state;
    struct list a, b, zero = {0};
    struct item items[5] = {{.id = 0}, {.id = 1}, {.id = 2}, {.id = 3}, {.id = 4}};
    list_init(&a);
    list_init(&b);
    list_splice_back(&a, &b);
    list_splice_back(&a, &zero);
    expect(&a, "");
    list_push_back(&b, &items[3].node);
    list_push_back(&b, &items[4].node);
    list_splice_back(&a, &b);
    expect(&a, "34");
    expect(&b, "");
    list_push_back(&b, &items[1].node);
    list_splice_back(&a, &b);
    expect(&a, "341");
    assert_true(list_is_empty(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_is_empty_and_unlinked),
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(each_may_remove_the_current_one),
        cmocka_unit_test(splice_moves_everything_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
