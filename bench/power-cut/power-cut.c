/*
 * A disk that forgets: preloaded into a process, it writes down how to undo everything the process does to the files
 * under POWER_CUT_ROOT, and which of it a flush has made lasting. When the process has been killed, whoever reads that
 * log can take back what a loss of power would have taken: the page cache, which survives a kill, does not any more.
 * Nothing here needs privileges.
 *
 * What is modelled. Data is lasting from the fsync or fdatasync of its file on; names (created, renamed, removed) from
 * the fsync of their directory on, as POSIX has it and not as most file systems do it. After a flush that failed, what
 * it should have flushed is lost for good, and later flushes do not bring it back: Linux marks such pages clean.
 * What is not modelled ends the process: a shared writable mapping, a copy inside the kernel. Files whose names end in
 * -shm are left alone, because SQLite builds them anew.
 *
 * The log (POWER_CUT_LOG/undo) is a sequence of records, each written with one call before the change it undoes:
 *
 *   struct record, then the first path, the second path and the old bytes, of the lengths that it names.
 *
 * A record without its change, after a kill between the two, undoes nothing. A file POWER_CUT_LOG/fail-sync makes the
 * next flush of a regular file fail with EIO, once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
  WRITE = 1,   /* bytes at `offset` of `file` were the old bytes; its size was `size` */
  SYNC = 2,    /* everything before is lasting for `file` */
  LOST = 3,    /* a flush failed: everything before is lost for `file` */
  CREATE = 4,  /* `first` did not exist */
  REMOVE = 5,  /* `first` existed; `second` has its inode */
  RENAME = 6,  /* `first` became `second` */
  SYNCDIR = 7, /* names directly in directory `first` are lasting */
};

struct record {
  uint32_t kind;
  uint32_t first_length;
  uint32_t second_length;
  uint32_t reserved;
  uint64_t file;
  uint64_t offset;
  uint64_t size;
  uint64_t bytes_length;
};

#define MAX_FD 65536
#define MAX_FILES 4096

/* Per descriptor: 0 not ours, 1 a file, 2 a directory. */
static struct {
  unsigned char kind;
  uint64_t file;
  char *path;
} descriptors[MAX_FD];

/* Changes per file that no flush has made lasting, and of names: when there are none, the log is emptied. */
static struct {
  uint64_t file;
  uint64_t pending;
} files[MAX_FILES];
static uint64_t pending, pending_names;
/* The log has something that must stay: of a process before, or lost for good. */
static int carried_over;

static char root[PATH_MAX], log_directory[PATH_MAX];
static size_t root_length;
static int log_fd = -1;
static uint64_t saved;
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

#define REAL(name) real_##name
#define DECLARE(type, name, ...) static type (*REAL(name))(__VA_ARGS__)
DECLARE(int, open, const char *, int, ...);
DECLARE(int, openat, int, const char *, int, ...);
DECLARE(int, close, int);
DECLARE(ssize_t, write, int, const void *, size_t);
DECLARE(ssize_t, pwrite, int, const void *, size_t, off_t);
DECLARE(ssize_t, writev, int, const struct iovec *, int);
DECLARE(ssize_t, pwritev, int, const struct iovec *, int, off_t);
DECLARE(int, ftruncate, int, off_t);
DECLARE(int, fallocate, int, int, off_t, off_t);
DECLARE(int, posix_fallocate, int, off_t, off_t);
DECLARE(int, fsync, int);
DECLARE(int, fdatasync, int);
DECLARE(int, rename, const char *, const char *);
DECLARE(int, unlink, const char *);
DECLARE(int, unlinkat, int, const char *, int);
DECLARE(int, link, const char *, const char *);
DECLARE(void *, mmap, void *, size_t, int, int, int, off_t);
DECLARE(ssize_t, copy_file_range, int, off_t *, int, off_t *, size_t, unsigned);
DECLARE(ssize_t, sendfile, int, int, off_t *, size_t);

static void die(const char *what) {
  char text[512];
  int length = snprintf(text, sizeof text, "power-cut: %s (errno %d): the test would prove nothing\n", what, errno);
  if (length > 0 && REAL(write)) (void)!REAL(write)(2, text, (size_t)length);
  _exit(99);
}

__attribute__((constructor)) static void start(void) {
#define FIND(name)                                                  \
  if (!REAL(name)) {                                                \
    *(void **)&REAL(name) = dlsym(RTLD_NEXT, #name);                \
    if (!REAL(name)) die("cannot find " #name);                     \
  }
  FIND(write) FIND(open) FIND(openat) FIND(close) FIND(pwrite) FIND(writev) FIND(pwritev) FIND(ftruncate)
  FIND(fallocate) FIND(posix_fallocate) FIND(fsync) FIND(fdatasync) FIND(rename) FIND(unlink) FIND(unlinkat)
  FIND(link) FIND(mmap) FIND(copy_file_range) FIND(sendfile)
  if (log_fd >= 0) return;
  const char *wanted = getenv("POWER_CUT_ROOT"), *directory = getenv("POWER_CUT_LOG");
  if (!wanted || !directory) return;
  if (!realpath(wanted, root) || !realpath(directory, log_directory)) die("POWER_CUT_ROOT or POWER_CUT_LOG is missing");
  root_length = strlen(root);
  char path[PATH_MAX + 8];
  snprintf(path, sizeof path, "%s/undo", log_directory);
  int fd = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) die("cannot open the log");
  /* Out of the way of descriptors that the process expects to be the next free ones. */
  log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 1000);
  if (log_fd < 0) die("cannot move the log");
  REAL(close)(fd);
  struct stat status;
  if (fstat(log_fd, &status) == 0 && status.st_size > 0) carried_over = 1;
  saved = (uint64_t)getpid() << 32;
}

/* The libraries that are loaded before this one's constructor may already write. */
static int ready(void) {
  if (!REAL(sendfile)) start();
  return log_fd >= 0;
}

/* 0 when the path is not under the root. The directory must exist, the file need not. */
static int absolute(const char *path, char *result) {
  char copy[PATH_MAX], directory[PATH_MAX];
  if (strlen(path) >= sizeof copy) return 0;
  strcpy(copy, path);
  char *slash = strrchr(copy, '/');
  const char *name = slash ? slash + 1 : copy;
  char real_name[NAME_MAX + 1];
  if (strlen(name) > NAME_MAX) return 0;
  strcpy(real_name, name);
  if (!slash) strcpy(directory, ".");
  else if (slash == copy) strcpy(directory, "/");
  else {
    *slash = 0;
    strcpy(directory, copy);
  }
  char resolved[PATH_MAX];
  if (!realpath(directory, resolved)) return 0;
  if (snprintf(result, PATH_MAX, "%s/%s", resolved, real_name) >= PATH_MAX) return 0;
  size_t length = strlen(result);
  if (strncmp(result, root, root_length) != 0 || (result[root_length] != '/' && result[root_length] != 0)) return 0;
  return !(length > 4 && strcmp(result + length - 4, "-shm") == 0);
}

static void record(struct record head, const char *first, const char *second, const void *bytes) {
  head.first_length = first ? (uint32_t)strlen(first) : 0;
  head.second_length = second ? (uint32_t)strlen(second) : 0;
  struct iovec parts[4] = {
      {&head, sizeof head},
      {(void *)first, head.first_length},
      {(void *)second, head.second_length},
      {(void *)bytes, head.bytes_length},
  };
  ssize_t length = (ssize_t)(sizeof head + head.first_length + head.second_length + head.bytes_length);
  if (REAL(writev)(log_fd, parts, 4) != length) die("cannot write the log");
}

static uint64_t *pending_of(uint64_t file) {
  for (int i = 0; i < MAX_FILES; i++) {
    if (files[i].file == file || files[i].file == 0) {
      files[i].file = file;
      return &files[i].pending;
    }
  }
  die("too many files");
  return NULL;
}

/* Only names directly in the root are counted exactly; with one elsewhere the log stays. */
static void name_changed(const char *full) {
  if (strchr(full + root_length + 1, '/')) carried_over = 1;
  else pending_names++;
}

static void forget_when_lasting(void) {
  if (pending == 0 && pending_names == 0 && !carried_over && REAL(ftruncate)(log_fd, 0) != 0) die("cannot empty the log");
}

static int tracked(int fd, int kind) {
  return ready() && fd >= 0 && fd < MAX_FD && descriptors[fd].kind == kind;
}

/* Before `length` bytes at `offset` change, or with length 0 everything from `offset` on is cut off. */
static void before_change(int fd, off_t offset, size_t length) {
  struct stat status;
  if (fstat(fd, &status) != 0) die("cannot look at a file");
  off_t size = status.st_size;
  size_t old = 0;
  if (offset < size) old = length == 0 || (off_t)length > size - offset ? (size_t)(size - offset) : length;
  char *bytes = old > 0 ? malloc(old) : NULL;
  if (old > 0 && !bytes) die("no memory");
  /* A descriptor that only writes cannot read: /proc gives one that does. It is closed only where the file was opened by
     Node, which holds no POSIX locks; SQLite's descriptors read and write. */
  int reader = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY ? -1 : fd;
  if (old > 0 && reader < 0) {
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    reader = REAL(open)(self, O_RDONLY | O_CLOEXEC);
    if (reader < 0) die("cannot read a file that is written");
  }
  for (size_t done = 0; done < old;) {
    ssize_t got = pread(reader, bytes + done, old - done, offset + (off_t)done);
    if (got <= 0) die("cannot read the old bytes");
    done += (size_t)got;
  }
  if (reader >= 0 && reader != fd) REAL(close)(reader);
  struct record head = {.kind = WRITE, .file = descriptors[fd].file, .offset = (uint64_t)offset,
                        .size = (uint64_t)size, .bytes_length = old};
  record(head, NULL, NULL, bytes);
  free(bytes);
  ++*pending_of(descriptors[fd].file);
  pending++;
}

static off_t position(int fd) {
  struct stat status;
  if (fcntl(fd, F_GETFL) & O_APPEND) return fstat(fd, &status) == 0 ? status.st_size : 0;
  return lseek(fd, 0, SEEK_CUR);
}

static size_t total(const struct iovec *parts, int count) {
  size_t sum = 0;
  for (int i = 0; i < count; i++) sum += parts[i].iov_len;
  return sum;
}

/* ---- writing ---- */

ssize_t write(int fd, const void *bytes, size_t length) {
  if (!tracked(fd, 1) || length == 0) return REAL(write)(fd, bytes, length);
  pthread_mutex_lock(&lock);
  before_change(fd, position(fd), length);
  ssize_t result = REAL(write)(fd, bytes, length);
  pthread_mutex_unlock(&lock);
  return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  if (!tracked(fd, 1) || length == 0) return REAL(pwrite)(fd, bytes, length, offset);
  pthread_mutex_lock(&lock);
  before_change(fd, offset, length);
  ssize_t result = REAL(pwrite)(fd, bytes, length, offset);
  pthread_mutex_unlock(&lock);
  return result;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (!tracked(fd, 1)) return REAL(writev)(fd, parts, count);
  pthread_mutex_lock(&lock);
  before_change(fd, position(fd), total(parts, count));
  ssize_t result = REAL(writev)(fd, parts, count);
  pthread_mutex_unlock(&lock);
  return result;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  if (!tracked(fd, 1)) return REAL(pwritev)(fd, parts, count, offset);
  pthread_mutex_lock(&lock);
  before_change(fd, offset, total(parts, count));
  ssize_t result = REAL(pwritev)(fd, parts, count, offset);
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int fd, off_t length) {
  if (!tracked(fd, 1)) return REAL(ftruncate)(fd, length);
  pthread_mutex_lock(&lock);
  before_change(fd, length, 0);
  int result = REAL(ftruncate)(fd, length);
  pthread_mutex_unlock(&lock);
  return result;
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  if (!tracked(fd, 1)) return REAL(fallocate)(fd, mode, offset, length);
  pthread_mutex_lock(&lock);
  before_change(fd, offset, (size_t)length);
  int result = REAL(fallocate)(fd, mode, offset, length);
  pthread_mutex_unlock(&lock);
  return result;
}

int posix_fallocate(int fd, off_t offset, off_t length) {
  if (!tracked(fd, 1)) return REAL(posix_fallocate)(fd, offset, length);
  pthread_mutex_lock(&lock);
  before_change(fd, offset, (size_t)length);
  int result = REAL(posix_fallocate)(fd, offset, length);
  pthread_mutex_unlock(&lock);
  return result;
}

/* ---- flushing ---- */

static int ordered_to_fail(void) {
  char path[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/fail-sync", log_directory);
  return REAL(unlink)(path) == 0;
}

static int flush(int fd, int (*really)(int)) {
  if (tracked(fd, 2)) {
    int result = really(fd);
    if (result != 0) return result;
    pthread_mutex_lock(&lock);
    struct record head = {.kind = SYNCDIR};
    record(head, descriptors[fd].path, NULL, NULL);
    if (strcmp(descriptors[fd].path, root) == 0) pending_names = 0;
    forget_when_lasting();
    pthread_mutex_unlock(&lock);
    return 0;
  }
  if (!tracked(fd, 1)) return really(fd);
  /* Held from before the flush to after its record: what another thread writes meanwhile must not count as flushed. */
  pthread_mutex_lock(&lock);
  int fails = ordered_to_fail();
  int result = fails ? -1 : really(fd);
  if (result == 0 || fails) {
    struct record head = {.kind = fails ? LOST : SYNC, .file = descriptors[fd].file};
    record(head, NULL, NULL, NULL);
  }
  if (result == 0) {
    uint64_t *own = pending_of(descriptors[fd].file);
    pending -= *own;
    *own = 0;
    forget_when_lasting();
  } else if (fails) {
    carried_over = 1;
  }
  pthread_mutex_unlock(&lock);
  if (fails) errno = EIO;
  return result;
}

int fsync(int fd) {
  if (!ready()) return REAL(fsync)(fd);
  return flush(fd, REAL(fsync));
}

int fdatasync(int fd) {
  if (!ready()) return REAL(fdatasync)(fd);
  return flush(fd, REAL(fdatasync));
}

/* ---- names and descriptors ---- */

static void remember(int fd, const char *path) {
  struct stat status;
  if (fd < 0) return;
  if (fd >= MAX_FD) die("too many descriptors");
  if (fstat(fd, &status) != 0) die("cannot look at a file");
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return;
  free(descriptors[fd].path);
  /* A directory may be called by many names, such as "."; a file need not be resolved, only its inode counts. */
  descriptors[fd].path = S_ISDIR(status.st_mode) ? realpath(path, NULL) : strdup(path);
  if (!descriptors[fd].path) die("cannot name a directory");
  descriptors[fd].file = (uint64_t)status.st_ino;
  descriptors[fd].kind = S_ISDIR(status.st_mode) ? 2 : 1;
}

static int open_tracked(const char *path, int flags, mode_t mode) {
  char full[PATH_MAX];
  if (!ready() || !absolute(path, full)) return REAL(open)(path, flags, mode);
  pthread_mutex_lock(&lock);
  struct stat status;
  int existed = lstat(full, &status) == 0;
  if (!existed && (flags & O_CREAT)) {
    struct record head = {.kind = CREATE};
    record(head, full, NULL, NULL);
    name_changed(full);
  }
  int fd = REAL(open)(path, flags & ~O_TRUNC, mode);
  remember(fd, full);
  if (fd >= 0 && (flags & O_TRUNC) && existed && ftruncate(fd, 0) != 0) die("cannot cut a file");
  pthread_mutex_unlock(&lock);
  return fd;
}

static mode_t mode_of(int flags, va_list arguments) {
  return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(arguments, int) : 0;
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_tracked(path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  if (directory == AT_FDCWD || path[0] == '/') return open_tracked(path, flags, mode);
  if (tracked(directory, 2)) die("openat relative to a directory is not modelled");
  return REAL(openat)(directory, path, flags, mode);
}

int creat(const char *path, mode_t mode) { return open_tracked(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int close(int fd) {
  if (!ready()) return REAL(close)(fd);
  if (fd == log_fd) return 0;
  if (fd >= 0 && fd < MAX_FD) descriptors[fd].kind = 0;
  return REAL(close)(fd);
}

/* Keeps the inode of a file that is about to lose its name. */
static void keep(const char *full) {
  struct record head = {.kind = REMOVE};
  char kept[PATH_MAX + 32];
  snprintf(kept, sizeof kept, "%s/%llu", log_directory, (unsigned long long)++saved);
  if (REAL(link)(full, kept) != 0) die("cannot keep a removed file: POWER_CUT_LOG must be on the same file system");
  record(head, full, kept, NULL);
  name_changed(full);
}

int unlink(const char *path) {
  char full[PATH_MAX];
  struct stat status;
  if (!ready() || !absolute(path, full) || lstat(full, &status) != 0) return REAL(unlink)(path);
  pthread_mutex_lock(&lock);
  keep(full);
  int result = REAL(unlink)(path);
  pthread_mutex_unlock(&lock);
  return result;
}

int unlinkat(int directory, const char *path, int flags) {
  if (!ready()) return REAL(unlinkat)(directory, path, flags);
  if (directory == AT_FDCWD && !(flags & AT_REMOVEDIR)) return unlink(path);
  if (tracked(directory, 2)) die("unlinkat relative to a directory is not modelled");
  return REAL(unlinkat)(directory, path, flags);
}

int rename(const char *from, const char *to) {
  char full_from[PATH_MAX], full_to[PATH_MAX];
  if (!ready()) return REAL(rename)(from, to);
  int ours_from = absolute(from, full_from), ours_to = absolute(to, full_to);
  if (!ours_from && !ours_to) return REAL(rename)(from, to);
  if (!ours_from || !ours_to) die("a rename across the border of POWER_CUT_ROOT is not modelled");
  pthread_mutex_lock(&lock);
  struct stat status;
  if (lstat(full_to, &status) == 0) keep(full_to);
  struct record head = {.kind = RENAME};
  record(head, full_from, full_to, NULL);
  name_changed(full_from);
  name_changed(full_to);
  int result = REAL(rename)(from, to);
  pthread_mutex_unlock(&lock);
  return result;
}

/* ---- what is not modelled ---- */

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  if (tracked(fd, 1) && (flags & MAP_SHARED) && (protection & PROT_WRITE)) die("a shared writable mapping");
  if (!REAL(mmap)) ready();
  return REAL(mmap)(address, length, protection, flags, fd, offset);
}

ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t length, unsigned flags) {
  if (tracked(out, 1)) die("copy_file_range");
  return REAL(copy_file_range)(in, in_at, out, out_at, length, flags);
}

ssize_t sendfile(int out, int in, off_t *at, size_t length) {
  if (tracked(out, 1)) die("sendfile into a file");
  return REAL(sendfile)(out, in, at, length);
}

/* Programs built for large files call these; on 64 bits they are the same. */
int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_tracked(path, flags, mode);
}
int openat64(int, const char *, int, ...) __attribute__((alias("openat")));
int creat64(const char *, mode_t) __attribute__((alias("creat")));
ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
ssize_t pwritev64(int, const struct iovec *, int, off_t) __attribute__((alias("pwritev")));
int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));
int fallocate64(int, int, off_t, off_t) __attribute__((alias("fallocate")));
int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));
void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));
ssize_t sendfile64(int, int, off_t *, size_t) __attribute__((alias("sendfile")));
