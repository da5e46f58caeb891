// judge.h -- what a failure means for one job: pure decisions, no I/O.
//
// Private to the pipeline.  Reads and counts in the job, starts nothing, moves nothing.
// SPDX-License-Identifier: MIT
#ifndef VLMD_JUDGE_H
#define VLMD_JUDGE_H

#include "guard/guard.h"
#include "spine/job.h"

enum verdict_kind {
    VERDICT_FAIL,      // to the failure list, with code
    VERDICT_WAIT,      // ask again as soon as a backend takes it
    VERDICT_BACK_OFF,  // ask again after delay_ms
    VERDICT_AGAIN      // after delay_ms prepare it again, in another way, then ask
};

struct verdict {
    enum verdict_kind what;
    int code;
    int64_t delay_ms;
};

// Transfer error and HTTP status of a fetched picture -> 0 or E_*; words are completed.
int judge_fetch(int err, int status, char *words, size_t size);
// The picture could not be read: ms until another look is worth it, or -1.
int64_t judge_input(struct job *j, int code);
// The ask failed with err: counts it in j and adjusts the next request (remedy.h).
struct verdict judge_answer(struct job *j, int err, const struct retry_config *c,
                            uint32_t random);
// Writes the ask that just ended into the job's history.
void judge_note_attempt(struct job *j, int err, int64_t wall_ms);
// Tells p's listener of an error of this job; words are cleaned on the way.
void judge_note_error(struct job *j, int code, const char *backend, const char *words);
// Screenshots of a watched folder are compared with each other; what a person named one by
// one (a batch, a URL, a picture handed in) is not.
bool judge_is_compared(const struct job *j);
// One of the frames shows the same to a person: notes it in j.
bool judge_near_described(struct job *j, const struct store_frame *frames, int n);
// Another job of the same source that has been compared already and is still under way
// shows the same: its answer will do for j.
bool judge_near_under_way(const struct job *j, const struct job_lists *jobs);
// Fills j->save and j->result from what is known.
void judge_fill_save(struct job *j);

#endif
