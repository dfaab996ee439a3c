// SPDX-License-Identifier: Apache-2.0
// The system calls about files: the table of their rows, and the handlers. To add a call: its handler beside its like
// (data_calls, descriptor_calls, name_calls, status_calls, poll_calls, socket_calls), its declaration, its row.
#pragma once

#include "cokernel/kernel/syscall.hpp"

namespace hobbes::lwk::fs {

extern const SyscallRow file_calls[];
extern const uint32_t file_call_count;

Sysret sys_accept(Thread& self, const Args& args);
Sysret sys_accept4(Thread& self, const Args& args);
Sysret sys_access(Thread& self, const Args& args);
Sysret sys_bind(Thread& self, const Args& args);
Sysret sys_chdir(Thread& self, const Args& args);
Sysret sys_chmod(Thread& self, const Args& args);
Sysret sys_chown(Thread& self, const Args& args);
Sysret sys_close(Thread& self, const Args& args);
Sysret sys_close_range(Thread& self, const Args& args);
Sysret sys_connect(Thread& self, const Args& args);
Sysret sys_copy_file_range(Thread& self, const Args& args);
Sysret sys_creat(Thread& self, const Args& args);
Sysret sys_dup(Thread& self, const Args& args);
Sysret sys_dup2(Thread& self, const Args& args);
Sysret sys_dup3(Thread& self, const Args& args);
Sysret sys_epoll_create(Thread& self, const Args& args);
Sysret sys_epoll_create1(Thread& self, const Args& args);
Sysret sys_epoll_ctl(Thread& self, const Args& args);
Sysret sys_epoll_pwait(Thread& self, const Args& args);
Sysret sys_epoll_pwait2(Thread& self, const Args& args);
Sysret sys_epoll_wait(Thread& self, const Args& args);
Sysret sys_eventfd(Thread& self, const Args& args);
Sysret sys_eventfd2(Thread& self, const Args& args);
Sysret sys_faccessat(Thread& self, const Args& args);
Sysret sys_faccessat2(Thread& self, const Args& args);
Sysret sys_fadvise64(Thread& self, const Args& args);
Sysret sys_fallocate(Thread& self, const Args& args);
Sysret sys_fchdir(Thread& self, const Args& args);
Sysret sys_fchmod(Thread& self, const Args& args);
Sysret sys_fchmodat(Thread& self, const Args& args);
Sysret sys_fchown(Thread& self, const Args& args);
Sysret sys_fchownat(Thread& self, const Args& args);
Sysret sys_fcntl(Thread& self, const Args& args);
Sysret sys_fdatasync(Thread& self, const Args& args);
Sysret sys_flock(Thread& self, const Args& args);
Sysret sys_fstat(Thread& self, const Args& args);
Sysret sys_fstatfs(Thread& self, const Args& args);
Sysret sys_fsync(Thread& self, const Args& args);
Sysret sys_ftruncate(Thread& self, const Args& args);
Sysret sys_getcwd(Thread& self, const Args& args);
Sysret sys_getdents64(Thread& self, const Args& args);
Sysret sys_getpeername(Thread& self, const Args& args);
Sysret sys_getrandom(Thread& self, const Args& args);
Sysret sys_getsockname(Thread& self, const Args& args);
Sysret sys_getsockopt(Thread& self, const Args& args);
Sysret sys_inotify_add_watch(Thread& self, const Args& args);
Sysret sys_inotify_init(Thread& self, const Args& args);
Sysret sys_inotify_init1(Thread& self, const Args& args);
Sysret sys_inotify_rm_watch(Thread& self, const Args& args);
Sysret sys_ioctl(Thread& self, const Args& args);
Sysret sys_lchown(Thread& self, const Args& args);
Sysret sys_link(Thread& self, const Args& args);
Sysret sys_linkat(Thread& self, const Args& args);
Sysret sys_listen(Thread& self, const Args& args);
Sysret sys_lseek(Thread& self, const Args& args);
Sysret sys_lstat(Thread& self, const Args& args);
Sysret sys_memfd_create(Thread& self, const Args& args);
Sysret sys_mkdir(Thread& self, const Args& args);
Sysret sys_mkdirat(Thread& self, const Args& args);
Sysret sys_mknod(Thread& self, const Args& args);
Sysret sys_mknodat(Thread& self, const Args& args);
Sysret sys_newfstatat(Thread& self, const Args& args);
Sysret sys_open(Thread& self, const Args& args);
Sysret sys_openat(Thread& self, const Args& args);
Sysret sys_openat2(Thread& self, const Args& args);
Sysret sys_pipe(Thread& self, const Args& args);
Sysret sys_pipe2(Thread& self, const Args& args);
Sysret sys_poll(Thread& self, const Args& args);
Sysret sys_ppoll(Thread& self, const Args& args);
Sysret sys_pread64(Thread& self, const Args& args);
Sysret sys_preadv(Thread& self, const Args& args);
Sysret sys_preadv2(Thread& self, const Args& args);
Sysret sys_pselect6(Thread& self, const Args& args);
Sysret sys_pwrite64(Thread& self, const Args& args);
Sysret sys_pwritev(Thread& self, const Args& args);
Sysret sys_pwritev2(Thread& self, const Args& args);
Sysret sys_read(Thread& self, const Args& args);
Sysret sys_readlink(Thread& self, const Args& args);
Sysret sys_readlinkat(Thread& self, const Args& args);
Sysret sys_readv(Thread& self, const Args& args);
Sysret sys_recvfrom(Thread& self, const Args& args);
Sysret sys_recvmsg(Thread& self, const Args& args);
Sysret sys_rename(Thread& self, const Args& args);
Sysret sys_renameat(Thread& self, const Args& args);
Sysret sys_renameat2(Thread& self, const Args& args);
Sysret sys_rmdir(Thread& self, const Args& args);
Sysret sys_select(Thread& self, const Args& args);
Sysret sys_sendfile(Thread& self, const Args& args);
Sysret sys_sendmsg(Thread& self, const Args& args);
Sysret sys_sendto(Thread& self, const Args& args);
Sysret sys_setsockopt(Thread& self, const Args& args);
Sysret sys_shutdown(Thread& self, const Args& args);
Sysret sys_signalfd(Thread& self, const Args& args);
Sysret sys_signalfd4(Thread& self, const Args& args);
Sysret sys_socket(Thread& self, const Args& args);
Sysret sys_stat(Thread& self, const Args& args);
Sysret sys_statfs(Thread& self, const Args& args);
Sysret sys_statx(Thread& self, const Args& args);
Sysret sys_symlink(Thread& self, const Args& args);
Sysret sys_symlinkat(Thread& self, const Args& args);
Sysret sys_sync(Thread& self, const Args& args);
Sysret sys_timerfd_create(Thread& self, const Args& args);
Sysret sys_timerfd_gettime(Thread& self, const Args& args);
Sysret sys_timerfd_settime(Thread& self, const Args& args);
Sysret sys_truncate(Thread& self, const Args& args);
Sysret sys_umask(Thread& self, const Args& args);
Sysret sys_unlink(Thread& self, const Args& args);
Sysret sys_unlinkat(Thread& self, const Args& args);
Sysret sys_utimensat(Thread& self, const Args& args);
Sysret sys_write(Thread& self, const Args& args);
Sysret sys_writev(Thread& self, const Args& args);

}  // namespace hobbes::lwk::fs
