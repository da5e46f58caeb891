// bench_image.c -- CPU time, memory and quality of preparing pictures.
//
// usage: bench_image [--side N] [--rounds N] [--threads N] [FILE...]  table, images/s
//        bench_image --burst N [--threads N] [--side N] FILE...      memory of many
//        bench_image --once FILE                                     memory of one
//        bench_image --quality SOURCE JPEG...                        PSNR and SSIM
//        bench_image --serve                                         for tools/bench-image
//
// Without files made-up screens are measured.  --serve reads "COUNT SIDE OUTPUT FILE" per line ("-": keep no output), prepares the file
// COUNT times and answers "CPU_US BYTES"; the peers (peer_*) speak the same.
// SPDX-License-Identifier: MIT
#include "bench_image.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_ROUNDS = 9, DEFAULT_SIDE = 768, LINE_MAX_BYTES = 4096 };

struct options {
    int side;
    int rounds;
    int threads;
    int burst;
    bool is_once;
    bool is_quality;
    bool is_serve;
};

void bench_die(const char *path, const char *words)
{
    fprintf(stderr, "bench_image: %s: %s\n", path, words);
    exit(1);
}

void bench_read(struct bench_file *f, const char *path)
{
    FILE *in = fopen(path, "rb");
    struct stat s;
    if (!in || fstat(fileno(in), &s) != 0) {
        bench_die(path, "can not be opened");
    }
    f->path = path;
    f->len = (size_t)s.st_size;
    f->bytes = malloc(f->len + 1);
    if (!f->bytes || fread(f->bytes, 1, f->len, in) != f->len) {
        bench_die(path, "can not be read");
    }
    fclose(in);
}

double bench_cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

double bench_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

long bench_status_kb(const char *key)
{
    char line[256];
    long kb = 0;
    FILE *in = fopen("/proc/self/status", "r");
    while (in && fgets(line, sizeof(line), in)) {
        if (strncmp(line, key, strlen(key)) == 0) {
            kb = strtol(line + strlen(key), NULL, 10);
        }
    }
    if (in) {
        fclose(in);
    }
    return kb;
}

void bench_prepare(const struct bench_file *f, int side, struct worker *w,
                   struct image_req *r)
{
    struct image_config c = {0};
    image_config_default(&c);
    r->bytes = f->bytes;
    r->bytes_len = f->len;
    r->target_px = side;
    if (picture_prepare(r, &c, w) != 0) {
        bench_die(f->path, r->err.msg);
    }
}

// ---- the table

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double bench_median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof(*v), by_value);
    return v[n / 2];
}

static void print_file(const struct bench_file *f, const struct options *o,
                       struct worker *w)
{
    struct image_req r = {0};
    double *cpu = calloc(4 * (size_t)o->rounds, sizeof(*cpu));
    double *decode = cpu + o->rounds, *encode = decode + o->rounds;
    double *load = encode + o->rounds;
    bench_prepare(f, o->side, w, &r);
    for (int i = 0; i < o->rounds; i++) {
        const double from = bench_cpu_ms();
        bench_prepare(f, o->side, w, &r);
        cpu[i] = bench_cpu_ms() - from;
        load[i] = (double)r.read_us / 1e3;
        decode[i] = (double)r.decode_us / 1e3;
        encode[i] = (double)r.encode_us / 1e3;
    }
    const struct bench_quality q = bench_compare(f, r.jpeg.data, r.jpeg.len);
    const char *slash = strrchr(f->path, '/');
    const double ms = bench_median(cpu, o->rounds);
    const double least = bench_floor_ms(f, r.format);
    printf("%-24s %5dx%-5d %7.2f %7.2f %7.2f %7.2f %7.2f %5.2f %5dx%-4d %7zu %6.2f "
           "%7.4f\n",
           slash ? slash + 1 : f->path, r.width, r.height, ms,
           bench_median(load, o->rounds), bench_median(decode, o->rounds),
           bench_median(encode, o->rounds), least, ms / least, r.sent_width,
           r.sent_height, r.jpeg.len, q.psnr, q.ssim);
    image_req_fini(&r);
    free(cpu);
}

static void print_table(const struct bench_file *files, int n, const struct options *o)
{
    struct budget budget = {.max = (int64_t)1 << 30};
    struct worker w = {.budget = &budget, .keep = (int64_t)1 << 28};
    printf("%-24s %11s %7s %7s %7s %7s %7s %5s %10s %7s %6s %7s\n", "file", "pixels",
           "cpu ms", "load", "decode", "encode", "floor", "x", "sent", "bytes", "psnr",
           "ssim");
    for (int i = 0; i < n; i++) {
        print_file(&files[i], o, &w);
    }
    worker_release(&w);
    printf("cpu of: load, hash and checks; decode and shrink; encode\n"
           "floor: inflate or entropy decoding alone; x: cpu over floor; "
           "psnr, ssim: sent JPEG against float Lanczos3\n");
}

// ---- for tools/bench-image

static void save(const char *path, const struct buf *b)
{
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(b->data, 1, b->len, out) != b->len || fclose(out) != 0) {
        bench_die(path, "can not be written");
    }
}

static void serve_line(char *line, struct worker *w)
{
    static char output[LINE_MAX_BYTES], path[LINE_MAX_BYTES];
    int count, side;
    if (sscanf(line, "%d %d %4000s %4000[^\n]", &count, &side, output, path) != 4) {
        bench_die(line, "is not COUNT SIDE OUTPUT FILE");
    }
    struct bench_file f;
    struct image_req r = {0};
    bench_read(&f, path);
    const double from = bench_cpu_ms();
    for (int i = 0; i < count; i++) {
        bench_prepare(&f, side, w, &r);
    }
    printf("%.0f %zu\n", (bench_cpu_ms() - from) * 1e3, r.jpeg.len);
    fflush(stdout);
    if (strcmp(output, "-") != 0) {
        save(output, &r.jpeg);
    }
    image_req_fini(&r);
    free(f.bytes);
}

static void serve(void)
{
    char line[LINE_MAX_BYTES * 2];
    struct budget budget = {.max = (int64_t)1 << 30};
    struct worker w = {.budget = &budget, .keep = (int64_t)1 << 28};
    while (fgets(line, sizeof(line), stdin)) {
        serve_line(line, &w);
    }
    worker_release(&w);
}

// ---- memory of one, quality

static void once(const char *path, int side)
{
    // As the service has one, for large WebP.
    struct image_config c = {.scratch_dir = "/var/tmp"};
    struct image_req r = {.path = path, .target_px = side};
    const long before = bench_status_kb("VmRSS:");
    const double from = bench_cpu_ms();
    if (image_prepare_now(&c, &r) != 0) {
        bench_die(path, r.err.msg);
    }
    printf("%s: %.2f CPU-ms cold, peak RSS %ld kB (%ld kB before)\n", path,
           bench_cpu_ms() - from, bench_status_kb("VmHWM:"), before);
    image_req_fini(&r);
}

static void quality(char **paths, int n)
{
    struct bench_file source, jpeg;
    bench_read(&source, paths[0]);
    for (int i = 1; i < n; i++) {
        bench_read(&jpeg, paths[i]);
        const struct bench_quality q = bench_compare(&source, jpeg.bytes, jpeg.len);
        printf("%.3f %.5f\n", q.psnr, q.ssim);
        free(jpeg.bytes);
    }
    free(source.bytes);
}

// ---- options

static int count_cores(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 64 ? 64 : (int)n;
}

static int usage(void)
{
    fputs("usage: bench_image [--side N] [--rounds N] [--threads N] [FILE...]\n"
          "       bench_image --burst N [--threads N] [--side N] FILE...\n"
          "       bench_image --once FILE | --quality SOURCE JPEG... | --serve\n",
          stderr);
    return 2;
}

static bool parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"side", required_argument, NULL, 's'},
        {"rounds", required_argument, NULL, 'r'},
        {"threads", required_argument, NULL, 't'},
        {"burst", required_argument, NULL, 'b'},
        {"once", no_argument, NULL, 'o'},
        {"quality", no_argument, NULL, 'q'},
        {"serve", no_argument, NULL, 'S'},
        {0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        const int n = optarg ? atoi(optarg) : 0;
        switch (c) {
        case 's': o->side = n; break;
        case 'r': o->rounds = n; break;
        case 't': o->threads = n; break;
        case 'b': o->burst = n; break;
        case 'o': o->is_once = true; break;
        case 'q': o->is_quality = true; break;
        case 'S': o->is_serve = true; break;
        default: return false;
        }
        if (optarg && (n < 1 || n > 1000000)) {
            return false;
        }
    }
    return true;
}

static void read_all(struct bench_file *files, int n)
{
    for (int i = 0; i < n; i++) {
        bench_read(&files[i], files[i].path);
    }
}

// The table needs more memory than the work it measures.
static void forget_peak(struct bench_file *files, int n)
{
    for (int i = 0; i < n; i++) {
        free(files[i].bytes);
        files[i].bytes = NULL;
    }
    malloc_trim(0);
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f) {
        fputs("5", f);  // the peak is now
        fclose(f);
    }
}

static void measure(const char *const *paths, int n, const struct options *o)
{
    struct bench_file *files = calloc((size_t)n, sizeof(*files));
    for (int i = 0; i < n; i++) {
        files[i].path = paths[i];
    }
    if (o->burst) {
        bench_burst(files, n, o->burst, o->threads, o->side, true);
    } else {
        read_all(files, n);
        print_table(files, n, o);
        forget_peak(files, n);
        bench_burst(files, n, n * o->rounds, 1, o->side, false);
        if (o->threads > 1) {
            bench_burst(files, n, n * o->rounds, o->threads, o->side, false);
            // A turn is short, and its ratio changes more than a file's CPU time.
            bench_scale(files, n, o->threads, o->side, 3 * o->rounds);
        }
    }
    for (int i = 0; i < n; i++) {
        free(files[i].bytes);
    }
    free(files);
}

int main(int argc, char **argv)
{
    struct options o = {
        .side = DEFAULT_SIDE, .rounds = DEFAULT_ROUNDS, .threads = count_cores()};
    if (!parse(argc, argv, &o)) {
        return usage();
    }
    const int n = argc - optind;
    if (o.is_serve && n == 0) {
        serve();
    } else if (o.is_quality && n >= 2) {
        quality(argv + optind, n);
    } else if (o.is_once && n == 1) {
        once(argv[optind], o.side);
    } else if (!o.is_serve && !o.is_quality && !o.is_once) {
        const char *samples[BENCH_SAMPLES];
        measure(n ? (const char *const *)argv + optind : samples,
                n ? n : bench_make_samples(samples), &o);
    } else {
        return usage();
    }
    return 0;
}
