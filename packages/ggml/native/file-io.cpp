#include "file-io.h"

#include <cerrno>

#include "exports.h"

#if defined(_WIN32)
#include <io.h>
#else
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>
#endif

namespace loci {

#if defined(_WIN32)

namespace {
// Files are opened by Node, whose numbers its own C library alone knows.
constexpr int32_t unsupported = ENOSYS;
}  // namespace

int32_t readFully(int64_t, void *, int64_t, int64_t) { return unsupported; }
int32_t writeFully(int64_t, const void *, int64_t, int64_t) { return unsupported; }
int32_t syncFile(int64_t) { return unsupported; }
void adviseWanted(int64_t, int64_t, int64_t) {}
LOCI_EXPORT int loci_file_allocate(int64_t, int64_t) { return -1; }
LOCI_EXPORT int loci_file_forget(int64_t) { return unsupported; }

#else

int32_t readFully(int64_t file, void * target, int64_t bytes, int64_t offset) {
    uint8_t * at = (uint8_t *)target;
    while (bytes > 0) {
        const ssize_t count = pread(int(file), at, size_t(bytes), off_t(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        if (count == 0) return ioShort;
        at += count, bytes -= count, offset += count;
    }
    return 0;
}

int32_t writeFully(int64_t file, const void * source, int64_t bytes, int64_t offset) {
    const uint8_t * at = (const uint8_t *)source;
    while (bytes > 0) {
        const ssize_t count = pwrite(int(file), at, size_t(bytes), off_t(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return errno;
        if (count == 0) return EIO;
        at += count, bytes -= count, offset += count;
    }
    return 0;
}

int32_t syncFile(int64_t file) {
#if defined(__APPLE__)
    return fsync(int(file)) == 0 ? 0 : errno;
#else
    return fdatasync(int(file)) == 0 ? 0 : errno;
#endif
}

namespace {

/** Whether a byte is in the page cache; advising on what is costs more than reading it. */
bool isCached(int64_t file, int64_t offset) {
#if defined(__linux__) && defined(RWF_NOWAIT)
    uint8_t byte;
    const iovec target{&byte, 1};
    return preadv2(int(file), &target, 1, off_t(offset), RWF_NOWAIT) == 1;
#else
    return false;
#endif
}

}  // namespace

void adviseWanted(int64_t file, int64_t offset, int64_t bytes) {
    if (isCached(file, offset) && isCached(file, offset + bytes - 1)) return;
#if defined(POSIX_FADV_WILLNEED)
    posix_fadvise(int(file), off_t(offset), off_t(bytes), POSIX_FADV_WILLNEED);
#endif
}

/** Reserves the first `bytes` of a file; 0, errno, or -1 where that cannot be done. */
LOCI_EXPORT int loci_file_allocate(int64_t file, int64_t bytes) {
#if defined(__linux__)
    if (fallocate(int(file), 0, 0, off_t(bytes)) == 0) return 0;
    return errno == EOPNOTSUPP || errno == ENOSYS ? -1 : errno;
#else
    return -1;
#endif
}

/** Drops what the page cache holds of a file, so that a benchmark reads it from the device. */
LOCI_EXPORT int loci_file_forget(int64_t file) {
#if defined(POSIX_FADV_DONTNEED)
    const int32_t failure = syncFile(file);
    return failure != 0 ? failure : posix_fadvise(int(file), 0, 0, POSIX_FADV_DONTNEED);
#else
    return EOPNOTSUPP;
#endif
}

#endif

}  // namespace loci
