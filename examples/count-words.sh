#!/bin/busybox sh
# The three most frequent words of a text, as shells have counted them for fifty years: processes and pipes. Runs
# anywhere busybox runs, an enclave included:
#   hobbes launch_app kitten /bin/busybox sh examples/count-words.sh
text='the node is one machine and the node is many kernels
each kernel runs the work that suits the kernel'

for word in $text; do echo "$word"; done | busybox sort | busybox uniq -c | busybox sort -rn | busybox head -n 3
echo "counted by process $$ on $(busybox uname -s)"
