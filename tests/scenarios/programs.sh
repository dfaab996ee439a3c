#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Debian's own programs do in an enclave what they do on Linux: each script runs on both, in an empty directory of its
# own, and its output and status are compared. With HOBBES_LONG_TESTS all run a second time with nothing rewritten, else
# those do that say so.
source "$(dirname "$0")/lib.sh"

# On Linux and in the enclave the same name, because programs print it.
readonly place=$work/place

# run_in_place OUTPUT COMMAND...
run_in_place() {
  local output=$1
  shift
  rm -rf "$place"
  mkdir "$place"
  (cd "$place" && timeout 60 "$@" > "$output" 2>&1 < /dev/null)
}

# in_enclave PROGRAMS SCRIPT [options of launch_app]: does there what it has done on Linux
in_enclave() {
  local status
  checks=$((checks + 1))
  run_in_place "$work/enclave" hobbes launch_app "${@:3}" k -- /bin/bash -c "$2"
  status=$?
  [[ $linux_status -eq $status ]] && cmp -s "$work/linux" "$work/enclave" && return
  fail "$1: status $linux_status on Linux, $status in the enclave${3:+ ($3)}: $(diff "$work/linux" "$work/enclave" | head -20)"
}

# same PROGRAMS SCRIPT [also-trapped]: bash runs the script, if the machine has all of the programs
same() {
  local program
  for program in $1; do
    command -v "$program" > /dev/null || { echo "skipped: no $program here" && return; }
  done
  run_in_place "$work/linux" /bin/bash -c "$2"
  linux_status=$?
  in_enclave "$1" "$2"
  [[ -z ${HOBBES_LONG_TESTS:-} && -z ${3:-} ]] || in_enclave "$1" "$2" --no-rewrite
}

# What Debian calls python3, whatever else comes first in PATH.
readonly python=/usr/bin/python3
export LC_ALL=C GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z

export node_memory=768M
start_node
create k 2 512 '<host_io mode="all"/>'

same 'ls cp mv' 'cp -a /etc/default d; mv d e; ls -lR e; ls -la /usr/bin | head -50; rm -r e; ls -A'
same 'find sort' 'find /usr/share/doc -maxdepth 1 | sort | md5sum; find /etc/default -type f -exec basename {} \; | sort; find . -empty'
same 'tar' 'tar cf a.tar -C /etc default; mkdir o; tar xf a.tar -C o; diff -r o/default /etc/default && stat -c "%A %s %n %y" o/default'
same 'dd stat touch du df' 'touch -d 2020-01-02 f; stat -c "%y %a %s" f; dd if=/dev/zero of=z bs=1k count=64 conv=fsync 2>&1 | head -2; du -k z
  truncate -s 1M t; stat -c "%s %b" t; cp --sparse=always t u; cmp t u; df . | wc -l; stat -f -c %T /proc; chmod 640 f; stat -c %a f'
same 'mkfifo install split' 'mkfifo p; (echo through a fifo > p &); cat p; echo x > q; install -m 755 q r; stat -c %a r; seq 1000 | split -l 100; ls
  cat x* | md5sum; ln -s q s; readlink s; realpath --relative-to=. s; ln q l; stat -c %h l; mkdir -p a/b; rmdir -p a/b; rm -rf -- *; ls -A'
same 'flock' 'flock l echo locked; (flock -n 9; flock -n l echo twice || echo busy) 9> l'
same 'bash' 'a=(1 2 3); echo ${a[@]} $((6 * 7)); cat << X
here $((1 + 2))
X
  (echo sub; exit 3); echo $?; trap "echo bye" EXIT; trap "echo usr1" USR1; kill -USR1 $$; diff <(seq 3) <(seq 4)
  sleep 0.1 & wait $!; echo $?; set -o pipefail; false | true; echo $?; exec 5<> f; echo hi >&5; cat f
  coproc cat; echo co >&${COPROC[1]}; read -u ${COPROC[0]} line; echo $line; mapfile -t lines < /etc/passwd; echo ${#lines[@]}' also-trapped
same 'bash' 'set -m; sleep 0.1 & jobs | wc -l; wait %1; echo $?; sleep 10 & kill %1; wait %1; echo $?'
same 'awk sed grep' 'awk -F: "{n[\$7]++} END {for (k in n) print k, n[k]}" /etc/passwd | sort; cp /etc/passwd p; sed -i s/root/r00t/ p; head -1 p
  grep -c : p > /dev/null; grep -E "^(daemon|bin)" p; seq 20 | xargs -P 4 -n 1 echo | sort -n | tail -1; yes | head -5 | grep y > /dev/null; echo $?'
same 'gzip' 'seq 100000 > x; gzip -k x; gunzip -c x.gz | cmp - x; gzip -9c x | wc -c'
same 'xz' 'seq 100000 > x; xz -kT2 x; xz -dc x.xz | cmp - x && echo same'
same 'ps pgrep' 'ps -o comm= -p $$; pgrep -x bash > /dev/null; echo $?; nproc > /dev/null; getconf PAGESIZE; ps aux > /dev/null; echo $?'
same 'perl' 'perl -e "open my \$f, q(>), q(t) or die; print \$f 123; close \$f; print -s q(t), qq(\n); my \$p = fork; exit 7 unless \$p; waitpid \$p, 0;
  print \$? >> 8, qq(\n), qx(echo sub); use Socket; socketpair(A, B, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die; syswrite A, q(x); sysread B, my \$b, 1;
  print \$b, qq(\n); opendir my \$d, q(/); print scalar(grep /^etc/, readdir \$d), qq(\n);"' also-trapped
same "$python" "$python - << 'X'
import concurrent.futures, os, queue, socket, subprocess, threading, zipfile
q = queue.Queue()
threads = [threading.Thread(target=lambda i=i: q.put(i * i)) for i in range(20)]
[t.start() for t in threads]; [t.join() for t in threads]; print(sorted(q.queue))
with concurrent.futures.ThreadPoolExecutor(4) as pool: print(list(pool.map(lambda x: x + 1, range(10))))
print(subprocess.run(['echo', 'sub'], capture_output=True, text=True).stdout)
print(subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE).communicate(b'data'))
with zipfile.ZipFile('z.zip', 'w') as z: z.writestr('a', 'hello' * 1000)
print(zipfile.ZipFile('z.zip').read('a')[:10])
listener = socket.create_server(('127.0.0.1', 0))
def serve():
  with listener.accept()[0] as c:
    while data := c.recv(65536): c.sendall(data)
server = threading.Thread(target=serve); server.start()
with socket.create_connection(listener.getsockname()) as c:
  c.sendall(b'x' * 100000); got = 0
  while got < 100000: got += len(c.recv(65536))
  print(got)
server.join()
a, b = socket.socketpair(); socket.send_fds(a, [b'f'], [0]); print(socket.recv_fds(b, 10, 5)[0])
print(len(os.sched_getaffinity(0)) > 0, os.path.realpath('/proc/self/exe'))
X" also-trapped
same "$python" "$python -c \"
import sqlite3
c = sqlite3.connect('t.db'); c.execute('create table t(a, b)'); c.executemany('insert into t values(?, ?)', [(i, str(i)) for i in range(1000)])
c.commit(); print(c.execute('select sum(a), count(*) from t').fetchall())\""
# A database whose readers and writers meet in a mapped file; and one on whose other side is Linux, which sees what is written.
same "$python" "$python - << 'X'
import mmap, os, sqlite3, sys
c = sqlite3.connect('w.db'); print(c.execute('pragma journal_mode=wal').fetchone()); c.execute('create table t(a)')
c.executemany('insert into t values(?)', [(i,) for i in range(1000)]); c.commit()
if os.fork() == 0:
  d = sqlite3.connect('w.db'); d.execute('insert into t values(-1)'); d.commit(); print(d.execute('select count(*) from t').fetchone())
  sys.stdout.flush(); os._exit(0)
os.wait(); print(c.execute('select count(*), sum(a) from t').fetchone(), c.execute('pragma integrity_check').fetchone())
print(sorted(os.listdir()))
with open('m', 'w+b') as f:
  f.truncate(1 << 16); m = mmap.mmap(f.fileno(), 0); m[40000:40005] = b'hello'; m.flush()
  f.seek(40000); print(f.read(5), m.find(b'hello')); f.seek(100); f.write(b'file'); f.flush(); print(m[100:104]); m.close()
print(mmap.mmap(os.open('/etc/passwd', os.O_RDONLY), 0, mmap.MAP_SHARED, mmap.PROT_READ)[:4])
X" also-trapped
same "$python curl" "echo content > index.html; $python -u -m http.server 0 --bind 127.0.0.1 > log 2>&1 & until grep -q port log; do sleep 0.05; done
  curl -s http://127.0.0.1:\$(sed 's/.*port \\([0-9]*\\).*/\\1/' log)/index.html; kill \$!; wait \$!; echo \$?"
same 'sqlite3' 'sqlite3 t.db "create table t(a integer primary key, b text); with recursive c(x) as (select 1 union all select x + 1 from c where x < 20000)
  insert into t select x, hex(x) from c; create index i on t(b); select count(*), sum(a), max(b) from t; delete from t where a % 3 = 0; vacuum;"
  sqlite3 t.db "select count(*) from t; pragma integrity_check;"; ls' also-trapped
same 'gcc' 'printf "#include <stdio.h>\n#include <math.h>\nint main(int c, char** v) { double s = 0; for (int i = 1; i < 100000; i++) s += sqrt(i);
  printf(\"%%s %%.3f %%d\\\\n\", v[0], s, c); return 3; }\n" > a.c; gcc -O2 -o a a.c -lm; ./a x; echo $?; gcc -static -O2 -o b a.c -lm; ./b; echo $?'
same 'musl-gcc' 'printf "#include <stdio.h>\nint main() { FILE* f = fopen(\"/etc/hostname\", \"r\"); char b[99]; fgets(b, 99, f); printf(\"musl %%s\", b); }" > a.c
  musl-gcc -o a a.c && ./a; musl-gcc -static -o b a.c && ./b'
same 'openssl' 'openssl dgst -sha256 /etc/passwd; echo abc | openssl enc -aes-256-cbc -pbkdf2 -k p | openssl enc -d -aes-256-cbc -pbkdf2 -k p
  openssl genrsa -out k.pem 1024 2> /dev/null; openssl rsa -in k.pem -check -noout'
same 'git' 'export HOME=$PWD; git config --global user.email a@b; git config --global user.name n; git config --global init.defaultBranch m
  git init -q r; cd r; for i in 1 2 3; do echo $i > f$i; git add .; git commit -qm c$i; done; git log --oneline; cd ..; git clone -q r s; cd s
  git status; git diff HEAD~1 --stat; git gc -q; git fsck; git checkout -qb x; echo 4 >> f1; git commit -qam x; git log --oneline | head -1'
same '/lib64/ld-linux-x86-64.so.2' '/lib64/ld-linux-x86-64.so.2 /bin/echo loader; LD_PRELOAD=/lib/x86_64-linux-gnu/libm.so.6 /bin/echo preloaded'
same 'make gcc' 'printf "all: a b\na b: %%: %%.c\n\t@gcc -o \$@ \$<; echo built \$@\n" > Makefile; echo "int main(){return 0;}" | tee a.c > b.c
  make -j2 | sort; make; ./a && ./b; echo $?; make nothing > /dev/null 2>&1; echo $?' also-trapped
same 'timeout perl' 'timeout 0.1 sleep 5; echo $?; { timeout -s KILL 0.1 sleep 5; } 2> /dev/null; echo $?; timeout 5 true; echo $?
  perl -e "local \$SIG{ALRM} = sub { print qq(alarm\n); exit 3 }; alarm 1; sleep 10"; echo $?; nice -n 5 true; echo $?; ulimit -n 64; ulimit -n'
same 'openssl' 'openssl speed -seconds 1 -bytes 1024 sha256 > /dev/null 2>&1; echo $?'
same 'gcc' 'printf "#include <omp.h>\n#include <stdio.h>\nint main() { long s = 0; int t = 0;\n#pragma omp parallel for reduction(+:s) reduction(max:t)\n
  for (long i = 0; i < 1000000; i++) { s += i; t = omp_get_num_threads(); }\nprintf(\"%%ld %%d\\\\n\", s, t); }\n" > a.c; gcc -O2 -fopenmp -o a a.c
  OMP_NUM_THREADS=4 ./a'
same 'gcc' "gcc -O2 -fopenmp -o stream $here/programs/stream.c -lm; for t in 1 2 4 7; do OMP_NUM_THREADS=\$t ./stream 2> rates; wc -l < rates; done
  OMP_NUM_THREADS=2 OMP_PROC_BIND=true OMP_PLACES=cores ./stream 2> rates; OMP_SCHEDULE=dynamic,1000 OMP_NUM_THREADS=3 ./stream 2> rates
  gcc -O2 -static -o plain $here/programs/stream.c -lm; ./plain 2> rates; wc -l < rates"
same "$python" "$python - << 'X'
import asyncio, multiprocessing, selectors, signal
async def serve(reader, writer):
  while line := await reader.readline(): writer.write(line.upper()); await writer.drain()
  writer.close()
async def ask(port, i):
  reader, writer = await asyncio.open_connection('127.0.0.1', port)
  writer.write(b'line %d\n' % i); line = await reader.readline(); writer.close(); return line
async def main():
  server = await asyncio.start_server(serve, '127.0.0.1', 0)
  port = server.sockets[0].getsockname()[1]
  print(await asyncio.gather(*[ask(port, i) for i in range(10)]))
  child = await asyncio.create_subprocess_exec('cat', stdin=-1, stdout=-1); print(await child.communicate(b'to cat'))
  try: await asyncio.wait_for(asyncio.sleep(10), 0.05)
  except asyncio.TimeoutError: print('timed out')
  print(await asyncio.get_running_loop().run_in_executor(None, lambda: 6 * 7))
asyncio.run(main())
X"
same 'node' 'node -e "const { execSync } = require(\"child_process\"); console.log(execSync(\"echo sub\").toString());
  const net = require(\"net\"); const s = net.createServer(c => c.pipe(c)).listen(0, \"127.0.0.1\", () => { const c = net.connect(s.address().port);
  c.on(\"data\", d => { console.log(d.toString()); c.end(); s.close(); setTimeout(() => console.log(1), 20); }); c.write(\"echoed\"); });"'
# Code that a compiler makes as it goes: a traced loop that calls the C library, and code of the program's own with a `syscall`.
same 'luajit' 'cat > a.lua << X
local ffi = require("ffi")
ffi.cdef "int getppid(void); void* mmap(void*, size_t, int, int, int, long); int usleep(unsigned); typedef long (*call)(void);"
local parent = ffi.C.getppid()
local same = 0
for i = 1, 200000 do if ffi.C.getppid() == parent then same = same + 1 end end
local page = ffi.C.mmap(nil, 4096, 7, 0x22, -1, 0)
ffi.copy(page, "\\184\\110\\0\\0\\0\\15\\5\\195")  -- mov $110,%eax; syscall; ret
local generated = ffi.cast("call", page)
local right = 0
for i = 1, 20000 do if generated() == parent then right = right + 1 end end
print(same, right, jit.status())
X
  luajit a.lua; luajit -joff a.lua' also-trapped
same 'redis-server redis-cli' 'p=$(/usr/bin/python3 -c "import socket; s = socket.create_server((\"127.0.0.1\", 0)); print(s.getsockname()[1])"); r="redis-cli -p $p"
  redis-server --port $p --bind 127.0.0.1 --save "" > log & until $r ping 2> /dev/null; do sleep 0.05; done; $r set k v; $r get k; for i in 1 2 3; do $r incr n; done
  $r rpush l a b c; $r lrange l 0 -1; seq -f "set key%g value" 1000 | $r --pipe | grep -o "replies: 1000"; $r dbsize; $r shutdown nosave; wait $!; echo $?'

# A server in the enclave, asked by clients on Linux: each command's line says that all of its requests were answered.
serves_linux() {
  local port options=$1 program
  for program in redis-server redis-cli redis-benchmark; do
    command -v "$program" > /dev/null || { echo "skipped: no $program here" && return; }
  done
  port=$("$python" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
  # shellcheck disable=SC2086
  expect 0 '' hobbes launch_app -d --name redis $options k -- /usr/bin/redis-server --port "$port" --bind 127.0.0.1 --save ''
  eventually redis-cli -p "$port" ping
  expect 0 '' timeout 60 redis-benchmark -p "$port" -q --csv -n 5000 -c 20 -t set,get,incr,lpush,lpop,sadd,hset,mset
  expect_output '5000' redis-cli -p "$port" get counter:__rand_int__
  expect 0 '' timeout 60 redis-benchmark -p "$port" -q --csv -n 20000 -c 10 -P 16 -r 1000 -d 512 -t set,get
  expect_output '0' redis-cli -p "$port" llen mylist
  expect 0 'rejected_connections:0' redis-cli -p "$port" info stats
  redis-cli -p "$port" shutdown nosave
  expect 0 '' hobbes wait_app redis
}
serves_linux ''
[[ -z ${HOBBES_LONG_TESTS:-} ]] || serves_linux --no-rewrite

# A database in use on both sides at once: what one has written the other reads, though neither has closed it.
shares_with_linux() {
  local python_program='import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], timeout=20)
c.execute("pragma journal_mode=wal"); c.execute("create table if not exists t(who, n)"); c.commit()
for n in range(50): c.execute("insert into t values(?, ?)", (sys.argv[2], n)); c.commit()
while c.execute("select count(*) from t").fetchone()[0] < 100: time.sleep(0.01)
print(c.execute("select count(distinct who), sum(n) from t").fetchone(), c.execute("pragma integrity_check").fetchone())'
  timeout 60 "$python" -c "$python_program" "$work/both.db" linux > "$work/linux" 2>&1 &
  expect_output "(2, 2450) ('ok',)" hobbes launch_app k -- "$python" -c "$python_program" "$work/both.db" enclave
  wait $!
  expect_output "(2, 2450) ('ok',)" cat "$work/linux"
}
shares_with_linux

stress() { same 'stress-ng' "stress-ng --verify --temp-path . --no-rand-seed --cache-level 1 $1 > out 2>&1; echo \$?; grep -c 'fail:' out"; }
stress '--cpu 1 --cpu-ops 50 --futex 1 --futex-ops 2000 --pipe 1 --pipe-ops 2000'
stress '--vm 1 --vm-bytes 16M --vm-ops 200 --mmap 1 --mmap-bytes 8M --mmap-ops 20'
stress '--fork 1 --fork-ops 50 --signal 1 --signal-ops 500'
finish
