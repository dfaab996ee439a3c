// SPDX-License-Identifier: Apache-2.0
// openat2: an open that says how its path may be resolved. On the host Linux resolves it, in one step that nobody can get
// in between; in file systems of our own the path is walked here.
#include "cokernel/kernel/fs/call_support.hpp"
#include "cokernel/kernel/fs/host_file.hpp"
#include "cokernel/kernel/print.hpp"
#include "cokernel/kernel/string.hpp"

namespace hobbes::lwk::fs {
namespace {

struct OpenHow {  ///< as Linux's struct open_how
  uint64_t flags, mode, resolve;
};

enum Resolve : uint64_t {
  RESOLVE_NO_XDEV = 1, RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8, RESOLVE_IN_ROOT = 0x10,
  RESOLVE_CACHED = 0x20, known_resolve = 0x3f,
};
constexpr uint64_t tmpfile_bit = O_TMPFILE & ~static_cast<uint64_t>(O_DIRECTORY);
constexpr uint64_t known_flags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |
                                 O_DSYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |
                                 O_CLOEXEC | O_PATH | O_TMPFILE;
constexpr uint64_t path_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int most_links = 40;

/// Copies a struct that a newer program may have made longer, as long as it says nothing there.
int load_how(UserAddr from, uint64_t size, OpenHow& how) {
  if (size < sizeof(how)) return -EINVAL;
  if (size > page_size) return -E2BIG;
  if (!read_user(from, how)) return -EFAULT;
  for (uint64_t i = sizeof(how); i < size; ++i) {
    uint8_t byte = 0;
    if (!read_user(from + i, byte)) return -EFAULT;
    if (byte != 0) return -E2BIG;
  }
  return 0;
}

int check_how(const OpenHow& how) {
  const bool makes = (how.flags & (O_CREAT | tmpfile_bit)) != 0;
  if ((how.flags & ~known_flags) != 0 || (how.resolve & ~static_cast<uint64_t>(known_resolve)) != 0) return -EINVAL;
  if ((how.resolve & RESOLVE_BENEATH) != 0 && (how.resolve & RESOLVE_IN_ROOT) != 0) return -EINVAL;
  if ((how.mode & ~(makes ? uint64_t{mode_bits} : 0)) != 0) return -EINVAL;
  if ((how.flags & tmpfile_bit) != 0 && ((how.flags & O_DIRECTORY) == 0 || (how.flags & O_ACCMODE) == O_RDONLY)) return -EINVAL;
  if ((how.flags & O_PATH) != 0 && (how.flags & ~path_flags) != 0) return -EINVAL;
  // What changes something is not to be had from what is known already.
  return (how.resolve & RESOLVE_CACHED) != 0 && (makes || (how.flags & O_TRUNC) != 0) ? -EAGAIN : 0;
}

/// A link of /proc that leads to an object, not to a name.
bool is_magic(const char* link) {
  const char* below = path_below(link, "/proc");
  if (below == nullptr) return false;
  const char* last = strrchr(link, '/') + 1;
  constexpr const char* names[] = {"exe", "cwd", "root"};
  for (const char* name : names)
    if (strcmp(last, name) == 0) return true;
  const char* folder = last - 1;
  while (folder > link && folder[-1] != '/') --folder;
  return strncmp(folder, "fd/", 3) == 0;
}

/// A path on its way, component by component.
class Walk : Immovable {
 public:
  Walk(const Caller& caller, const OpenHow& how) : caller_(caller), how_(how) {}

  /// 0, and at() is where it ended, or -errno.
  [[nodiscard]] int run(const char* base, const char* path) {
    if (!base_ || !at_ || !next_ || !rest_ || !target_) return -ENOMEM;
    copy_string(base_.text(), base, path_limit);
    copy_string(at_.text(), base, path_limit);
    copy_string(rest_.text(), path, path_limit);
    const bool keeps_last = (how_.flags & O_NOFOLLOW) != 0 || (how_.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    follows_last_ = !keeps_last || names_directory(path);
    if (*path == '/')
      if (const int error = go_to_root(); error != 0) return error;
    Place start;
    if (const int error = find_place(caller_, AT_FDCWD, at_.text(), false, start); error != 0) return error;
    system_ = start.system;
    while (*rest_.text() != '\0')
      if (const int error = step(); error != 0) return error;
    return 0;
  }
  [[nodiscard]] const char* at() const { return at_.text(); }

 private:
  [[nodiscard]] bool asks(uint64_t flag) const { return (how_.resolve & flag) != 0; }
  [[nodiscard]] int go_to_root() {
    if (asks(RESOLVE_BENEATH)) return -EXDEV;
    copy_string(at_.text(), asks(RESOLVE_IN_ROOT) ? base_.text() : "/", path_limit);
    return 0;
  }

  /// Takes the next component off the rest.
  [[nodiscard]] int step() {
    PathWalk walk(rest_.text());
    const char* name = nullptr;
    size_t length = 0;
    if (!walk.next(name, length)) {
      *rest_.text() = '\0';
      return 0;
    }
    if (length > name_limit) return -ENAMETOOLONG;
    char component[name_limit + 1];
    memcpy(component, name, length);
    component[length] = '\0';
    const size_t left = strlen(walk.rest());
    memmove(rest_.text(), walk.rest(), left + 1);
    const bool is_up = strcmp(component, "..") == 0;
    if (is_up && strcmp(at_.text(), base_.text()) == 0) {
      if (asks(RESOLVE_BENEATH)) return -EXDEV;
      if (asks(RESOLVE_IN_ROOT)) return 0;
    }
    if (const int error = normalise_path(at_.text(), component, next_.text()); error != 0) return error;
    return enter();
  }

  [[nodiscard]] int enter() {
    const char* more = nullptr;
    size_t size = 0;
    const bool last = !PathWalk(rest_.text()).next(more, size);
    Place place;
    if (const int error = find_place(caller_, AT_FDCWD, next_.text(), false, place); error != 0) return error;
    if (asks(RESOLVE_NO_XDEV) && place.system != system_) return -EXDEV;
    FileStatus status;
    const int error = place.system->status(caller_, place.path, false, status);
    if (error != 0 && !(error == -ENOENT && last)) return error;
    if (error == 0 && is_link(status.mode) && (!last || follows_last_)) return go_through(place, last);
    if (error == 0 && !last && !is_directory(status.mode)) return -ENOTDIR;
    copy_string(at_.text(), next_.text(), path_limit);
    return 0;
  }

  /// The link at next_.
  [[nodiscard]] int go_through(const Place& place, bool last) {
    if (++links_ > most_links || asks(RESOLVE_NO_SYMLINKS)) return -ELOOP;
    const bool magic = is_magic(next_.text());
    if (magic && asks(RESOLVE_NO_MAGICLINKS)) return -ELOOP;
    if (magic && (asks(RESOLVE_BENEATH) || asks(RESOLVE_IN_ROOT) || asks(RESOLVE_NO_XDEV))) return -EXDEV;
    if (magic && last) {
      copy_string(at_.text(), next_.text(), path_limit);
      *rest_.text() = '\0';
      return 0;
    }
    const Sysret length = place.system->read_link(caller_, place.path, target_.text(), path_limit - 1);
    if (length < 0) return static_cast<int>(length);
    const size_t left = strlen(rest_.text());
    if (static_cast<size_t>(length) + 1 + left >= path_limit) return -ENAMETOOLONG;
    memmove(rest_.text() + length + 1, rest_.text(), left + 1);
    memcpy(rest_.text(), target_.text(), static_cast<size_t>(length));
    rest_.text()[length] = '/';
    return *rest_.text() == '/' ? go_to_root() : 0;
  }

  const Caller& caller_;
  const OpenHow& how_;
  PathText base_, at_, next_, rest_, target_;
  const FileSystem* system_ = nullptr;
  bool follows_last_ = true;
  int links_ = 0;
};

int open_by_walk(const Caller& caller, const char* base, const char* path, const OpenHow& how, FileRef& file) {
  Walk walk(caller, how);
  if (const int error = walk.run(base, path); error != 0) return error;
  PathText whole;
  if (!whole) return -ENOMEM;
  const size_t length = copy_string(whole.text(), walk.at(), path_limit);
  if (names_directory(path) && length + 1 < path_limit) memcpy(whole.text() + length, "/", 2);
  return open_file(caller, AT_FDCWD, whole.text(), to_flags(how.flags), to_flags(how.mode), file);
}

/// Names a file by where the host says that it is, or, where it does not, by what was asked for.
int name_host_file(const Caller& caller, const char* base, const char* path, HostFile& file) {
  PathText link, name;
  if (!link || !name) return -ENOMEM;
  format(link.text(), path_limit, "/proc/self/fd/%d", static_cast<int64_t>(file.fd()));
  const Sysret length = host_root_link(caller, link.text(), name.text(), path_limit - 1);
  if (length > 0) name.text()[length] = '\0';
  if (length > 0 && *name.text() == '/') return file.set_path(name.text());
  while (*path == '/') ++path;
  const int error = *path == '\0' ? normalise_path("/", base, name.text()) : normalise_path(base, path, name.text());
  return error != 0 ? error : file.set_path(name.text());
}

/// `directory`: the descriptor that paths are relative to, of the host.
int open_on_host(const Caller& caller, HostFile& directory, const char* base, const char* path, OpenHow how,
                 FileRef& file) {
  int fd = 0;
  {
    Guard guard(caller.process->files_lock);
    how.mode &= ~static_cast<uint64_t>(caller.process->umask);
  }
  {
    HostCall call(directory.channel());
    if (call.error() != 0) return static_cast<int>(call.error());
    OpenHow asked = how;
    asked.flags |= O_CLOEXEC;
    memcpy(call.data(), &asked, sizeof(asked));
    char* name = reinterpret_cast<char*>(call.data() + sizeof(asked));
    copy_string(name, path, path_limit);
    const Sysret opened = call.call(host_openat2, directory.fd(), name, call.data(), sizeof(asked));
    if (opened < 0) return static_cast<int>(opened);
    fd = static_cast<int>(opened);
  }
  if (const int error = HostFile::wrap(directory.channel(), fd, kept_flags(to_flags(how.flags)), file); error != 0)
    return error;
  return name_host_file(caller, base, path, *file->host());
}

int open_resolved(const Caller& caller, int dirfd, const char* path, const OpenHow& how, FileRef& file) {
  if (*path == '\0') return -ENOENT;
  PathText base;
  Place start, end;
  if (!base) return -ENOMEM;
  const bool scoped = (how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0;
  if (*path == '/' && !scoped) copy_string(base.text(), "/", path_limit);
  else if (const int error = find_base(caller, dirfd, base.text()); error != 0) return error;
  const char* relative = path;
  while (*relative == '/') ++relative;
  if (const int error = find_place(caller, AT_FDCWD, base.text(), false, start); error != 0) return error;
  PathText whole;
  if (!whole) return -ENOMEM;
  if (const int error = normalise_path(base.text(), *relative == '\0' ? "." : relative, whole.text()); error != 0)
    return error;
  if (const int error = find_place(caller, AT_FDCWD, whole.text(), false, end); error != 0) return error;
  if (!is_host_place(start) || !is_host_place(end)) return open_by_walk(caller, base.text(), path, how, file);

  FileRef directory = file_of(*caller.process, dirfd);
  if (dirfd == AT_FDCWD || !directory || directory->host() == nullptr) {
    const uint32_t flags = O_PATH | O_DIRECTORY;
    if (const int error = open_file(caller, AT_FDCWD, base.text(), flags, 0, directory); error != 0) return error;
  }
  return open_on_host(caller, *directory->host(), base.text(), path, how, file);
}

}  // namespace

Sysret sys_openat2(Thread& self, const Args& args) {
  OpenHow how;
  if (const int error = load_how(args[2], args[3], how); error != 0) return error;
  if (const int error = check_how(how); error != 0) return error;
  UserPath path;
  if (const int error = path.load(args[1]); error != 0) return error;
  const Caller caller = Caller::of(*self.process);
  FileRef file;
  const int error = how.resolve == 0 ? open_file(caller, to_fd(args[0]), path.text(), to_flags(how.flags),
                                                 to_flags(how.mode), file)
                                     : open_resolved(caller, to_fd(args[0]), path.text(), how, file);
  return error != 0 ? error : add_file(self, file, (how.flags & O_CLOEXEC) != 0);
}

}  // namespace hobbes::lwk::fs
