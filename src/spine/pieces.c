// pieces.c -- texts of an answer in the order they came.
// SPDX-License-Identifier: MIT
#include "spine/pieces.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pieces_init(struct pieces *p, size_t most_bytes)
{
    *p = (struct pieces){.most = most_bytes};
    list_init(&p->head);
}

void pieces_clear(struct pieces *p)
{
    struct list *node, *tmp;
    list_each(node, tmp, &p->head)
    {
        struct piece *one = container_of(node, struct piece, node);
        list_remove(&one->node);
        buf_fini(&one->text);
        free(one);
    }
    p->bytes = 0;
}

struct piece *pieces_last(const struct pieces *p)
{
    return list_is_empty(&p->head) ? NULL
                                   : container_of(p->head.prev, struct piece, node);
}

int pieces_add(struct pieces *p, const char *field, const char *text, size_t len)
{
    struct piece *last = pieces_last(p);
    const bool is_same =
        last && strncmp(last->field, field, sizeof(last->field) - 1) == 0;
    const size_t takes = len + (is_same ? 0 : sizeof(*last));
    if (takes > p->most - p->bytes) {
        return E_TOOBIG;
    }
    if (!is_same) {
        last = mem_new(struct piece);
        snprintf(last->field, sizeof(last->field), "%s", field);
        buf_init(&last->text, p->most);
        list_push_back(&p->head, &last->node);
    }
    p->bytes += takes;
    return buf_add(&last->text, text, len);
}

void pieces_move(struct pieces *to, struct pieces *from)
{
    list_splice_back(&to->head, &from->head);
    to->bytes += from->bytes;
    from->bytes = 0;
}
