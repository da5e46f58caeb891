// taken.h -- when a picture was taken, from the ways in which programs write that down.
//
// All return unix milliseconds, or 0 for "not a time".
// SPDX-License-Identifier: MIT
#ifndef VLMD_INGEST_TAKEN_H
#define VLMD_INGEST_TAKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Trackers: "YYYYMMDD-HHMMSS", UTC.
int64_t taken_from_stamp(const char *text);
// EXIF: "YYYY:MM:DD HH:MM:SS"; offset "+HH:MM" or "" (local time).
int64_t taken_from_exif(const char *text, const char *offset);
// ISO 8601 date and time; without a zone it is local time.
int64_t taken_from_iso(const char *text);
// Seconds or milliseconds, told apart by their size.
int64_t taken_from_unix(double value);
// The local time in the name of a screenshot: "Screenshot from 2026-11-21 10-11-12.png",
// "Screenshot 2026-11-21 at 10.11.12 PM.png", "screenshot-20261121-101112-of-x.webp",
// "2026-11-21_10-11.png".
int64_t taken_from_name(const char *name);
// A tracker's UTC can be one hour off while daylight saving time is in force
// (TRACKERS.md 2); the local time in its file name tells.
int64_t taken_correct_dst(int64_t stamp_ms, int64_t name_ms);
// "screenshot-YYYYMMDD-HHMMSS-of-NAME.webp"
bool taken_is_tracker_name(const char *name);

#endif
