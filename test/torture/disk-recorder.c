// LD_PRELOAD: records what a process does to the files of one directory, so that a test can take back what was never synced.
// DISK_RECORDER_DIR names the directory (absolute), DISK_RECORDER_LOG the file that records are appended to.
// A change is recorded before it is made, a sync after it has succeeded: a kill in between errs on the side of "not durable".
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FDS 65536

static char *names[MAX_FDS]; // of open files, relative to the directory; "" is the directory itself
static char dir[PATH_MAX];
static size_t dir_length;
static int log_fd = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *watched = getenv("DISK_RECORDER_DIR"), *log = getenv("DISK_RECORDER_LOG");
  if (!watched || !log || strlen(watched) >= sizeof dir) return;
  strcpy(dir, watched);
  dir_length = strlen(dir);
  log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static const char *watched_name(const char *path) {
  if (log_fd < 0 || !path || strncmp(path, dir, dir_length) != 0) return NULL;
  if (path[dir_length] == 0) return "";
  return path[dir_length] == '/' ? path + dir_length + 1 : NULL;
}

static const char *name_of(int fd) { return fd >= 0 && fd < MAX_FDS ? names[fd] : NULL; }

// One record: operation, length of the name, offset, length of the data, name, data. Called with the mutex held.
static void record(char operation, const char *name, uint64_t offset, const void *data, uint32_t length) {
  struct __attribute__((packed)) { char operation; uint16_t name; uint64_t offset; uint32_t length; } head =
      {operation, (uint16_t)strlen(name), offset, length};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)name, head.name}, {(void *)data, length}};
  if (writev(log_fd, parts, 3) != (ssize_t)(sizeof head + head.name + length)) abort();
}

static int opened(const char *path, int flags, int existed, int fd) {
  const char *name = watched_name(path);
  if (fd < 0 || fd >= MAX_FDS || !name) return fd;
  pthread_mutex_lock(&mutex);
  if (!existed && (flags & O_CREAT)) record('C', name, 0, NULL, 0);
  if (existed && (flags & O_TRUNC)) record('T', name, 0, NULL, 0);
  free(names[fd]);
  names[fd] = strdup(name);
  pthread_mutex_unlock(&mutex);
  return fd;
}

#define OPEN(name)                                                         \
  int name(const char *path, int flags, ...) {                             \
    va_list rest;                                                          \
    va_start(rest, flags);                                                 \
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;            \
    va_end(rest);                                                          \
    int existed = !watched_name(path) || access(path, F_OK) == 0;          \
    return opened(path, flags, existed, REAL(name)(path, flags, mode));    \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  if (name_of(fd)) {
    pthread_mutex_lock(&mutex);
    free(names[fd]);
    names[fd] = NULL;
    pthread_mutex_unlock(&mutex);
  }
  return REAL(close)(fd);
}

#define CHANGE(fd, operation, offset, data, length, real)                  \
  const char *name = name_of(fd);                                          \
  if (!name) return real;                                                  \
  pthread_mutex_lock(&mutex);                                              \
  record(operation, name, offset, data, length);                           \
  __typeof__(real) result = real;                                          \
  pthread_mutex_unlock(&mutex);                                            \
  return result;

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) {
  CHANGE(fd, 'W', at, data, length, REAL(pwrite)(fd, data, length, at))
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
  CHANGE(fd, 'W', at, data, length, REAL(pwrite64)(fd, data, length, at))
}
ssize_t write(int fd, const void *data, size_t length) {
  CHANGE(fd, 'W', lseek(fd, 0, SEEK_CUR), data, length, REAL(write)(fd, data, length))
}
int ftruncate(int fd, off_t length) { CHANGE(fd, 'T', length, NULL, 0, REAL(ftruncate)(fd, length)) }
int ftruncate64(int fd, off64_t length) { CHANGE(fd, 'T', length, NULL, 0, REAL(ftruncate64)(fd, length)) }

static int synced(int fd, int result) {
  const char *name = name_of(fd);
  if (name && result == 0) {
    pthread_mutex_lock(&mutex);
    record('S', name, 0, NULL, 0);
    pthread_mutex_unlock(&mutex);
  }
  return result;
}
int fsync(int fd) { return synced(fd, REAL(fsync)(fd)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)(fd)); }

int unlink(const char *path) {
  const char *watched = watched_name(path);
  if (!watched) return REAL(unlink)(path);
  pthread_mutex_lock(&mutex);
  int result = REAL(unlink)(path);
  if (result == 0) record('U', watched, 0, NULL, 0);
  pthread_mutex_unlock(&mutex);
  return result;
}

int rename(const char *from, const char *to) {
  const char *watched = watched_name(to), *was = watched_name(from);
  if (!watched || !was) return REAL(rename)(from, to);
  pthread_mutex_lock(&mutex);
  int result = REAL(rename)(from, to);
  if (result == 0) record('R', was, 0, watched, strlen(watched));
  pthread_mutex_unlock(&mutex);
  return result;
}
