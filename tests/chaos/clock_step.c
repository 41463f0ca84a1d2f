/* Preloaded into a process, its system clock is off by what a file says at each call: nanoseconds, as decimal text.

   LD_CLOCK_STEP_FILE names it: a desk hands its children only variables that it knows, LD_ among them. Only
   CLOCK_REALTIME moves, as when somebody sets the machine's clock. A deadline by it is by the same wrong clock, so what
   waits until then (Ray's condition variables do, and gRPC's futexes) is given the kernel's time of it: else every
   timeout under a clock an hour ahead would last an hour longer. One difference to the kernel's own is left: who waits
   already while the clock is set waits on for what was left. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define REALTIME_LEAST_S 1000000000LL /* a deadline beyond is no CLOCK_MONOTONIC's, which began at the last boot */

static long long step_ns(void) {
    const char *name = getenv("LD_CLOCK_STEP_FILE");
    if (!name) return 0;
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    char text[32];
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return 0;
    text[length] = 0;
    return atoll(text);
}

static void add_ns(struct timespec *time, long long ns) {
    ns += (long long)time->tv_sec * SECOND + time->tv_nsec;
    time->tv_sec = ns / SECOND;
    time->tv_nsec = ns % SECOND;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) add_ns(now, step_ns());
    return result;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return result;
}

time_t time(time_t *out) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (out) *out = precise.tv_sec;
    return precise.tv_sec;
}

/* The C library's own; of condition variables the one with today's layout, not the first of that name. */
static void *real(const char *name) {
    void *found = NULL;
    for (const char **version = (const char *[]){"GLIBC_2.3.2", "GLIBC_2.17", NULL}; *version && !found; version++)
        found = dlvsym(RTLD_NEXT, name, *version);
    return found ? found : dlsym(RTLD_NEXT, name);
}

/* The deadline as the kernel counts it. */
static const struct timespec *kernels(const struct timespec *deadline, struct timespec *room) {
    if (!deadline || deadline->tv_sec < REALTIME_LEAST_S) return deadline;
    *room = *deadline;
    add_ns(room, -step_ns());
    return room;
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *deadline) {
    static int (*wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (!wait) wait = real("pthread_cond_timedwait");
    struct timespec room;
    return wait(condition, mutex, kernels(deadline, &room));
}

int pthread_cond_clockwait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline
) {
    static int (*wait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
    if (!wait) wait = real("pthread_cond_clockwait");
    struct timespec room;
    return wait(condition, mutex, clock, kernels(deadline, &room));
}

int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline) {
    static int (*wait)(pthread_mutex_t *, const struct timespec *);
    if (!wait) wait = real("pthread_mutex_timedlock");
    struct timespec room;
    return wait(mutex, kernels(deadline, &room));
}

int sem_timedwait(sem_t *semaphore, const struct timespec *deadline) {
    static int (*wait)(sem_t *, const struct timespec *);
    if (!wait) wait = real("sem_timedwait");
    struct timespec room;
    return wait(semaphore, kernels(deadline, &room));
}

long syscall(long number, ...) {
    static long (*call)(long, ...);
    if (!call) call = real("syscall");
    va_list words;
    va_start(words, number);
    long a = va_arg(words, long), b = va_arg(words, long), c = va_arg(words, long);
    long d = va_arg(words, long), e = va_arg(words, long), f = va_arg(words, long);
    va_end(words);
    struct timespec room;
    if (number == SYS_futex && (b & FUTEX_CLOCK_REALTIME)) d = (long)kernels((const struct timespec *)d, &room);
    return call(number, a, b, c, d, e, f);
}
