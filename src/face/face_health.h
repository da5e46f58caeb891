// face_health.h -- how vlmd itself is, as JSON: one object where w stands.
// SPDX-License-Identifier: MIT
#ifndef VLMD_FACE_HEALTH_H
#define VLMD_FACE_HEALTH_H

#include "face/face.h"
#include "vlmd_health.h"

void face_error_row(struct json_writer *w, const struct vlmd_error_row *r);
void face_error_kind(struct json_writer *w, const struct vlmd_error_kind *k);
void face_alert(struct json_writer *w, const struct vlmd_alert *a);
void face_health_summary(struct json_writer *w, const struct vlmd_diagnostics *d);
void face_diagnostics(struct json_writer *w, const struct vlmd_diagnostics *d);
void face_health(struct json_writer *w, const struct vlmd_health *h);

#endif
