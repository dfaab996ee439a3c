// SPDX-License-Identifier: Apache-2.0
// The table, and nothing else: a command is its row here, its handler in commands/, its test and its line in
// docs/commands.md (docs/adding-a-command.md walks through one).
#include "shell/command_table.hpp"

#include <algorithm>
#include <array>

#include "shell/commands/handlers.hpp"

namespace hobbes::shell {
namespace {

constexpr std::uint64_t max_pings = 1'000'000;
constexpr std::uint64_t max_cpus = 65535;
constexpr std::uint64_t max_ranks = 65535;
constexpr std::uint64_t max_exit_status = 255;

constexpr Operand enclave{.name = "enclave", .kind = Kind::enclave};
constexpr Operand application{.name = "application", .kind = Kind::app};
constexpr Operand amount{.name = "size", .kind = Kind::mebibytes, .min = 1};
constexpr Option json{.name = "json", .text = "print JSON"};
constexpr Option numa{
    .name = "numa", .letter = 'n', .kind = Kind::numa, .value = "NODE", .text = "from this NUMA node (-1: any)"};
constexpr Option cpulist{.name = "cpulist", .kind = Kind::cpus, .value = "LIST", .text = "these CPUs, as in 0-3,8"};

constexpr std::array enclave_alone = {enclave};
constexpr std::array application_alone = {application};
constexpr std::array json_alone = {json};
constexpr std::array list_apps_options = {
    json, Option{.name = "verbose", .letter = 'v', .text = "what they did in system calls, page faults and switches"}};
constexpr std::array syscalls_operands = {Operand{.name = "enclave|application", .kind = Kind::enclave_or_app}};
constexpr std::array syscalls_options = {
    json,
    Option{.name = "sort", .kind = Kind::text, .value = "KEY", .text = "by calls (default), errors, time or number"},
    Option{.name = "top", .letter = 'n', .kind = Kind::number, .value = "N", .text = "only the first N", .min = 1},
};

constexpr std::array create_operands = {Operand{.name = "xml", .kind = Kind::file},
                                        Operand{.name = "name", .optional = true}};
constexpr std::array ping_options = {
    Option{.name = "size", .letter = 's', .kind = Kind::bytes, .value = "BYTES", .text = "send so much (default 0)"},
    Option{.name = "count", .letter = 'c', .kind = Kind::number, .value = "N", .text = "so many times (default 1)",
           .min = 1, .max = max_pings},
};
constexpr std::array launch_options = {
    Option{.name = "file", .letter = 'f', .kind = Kind::file, .value = "APP.XML", .text = "launch what this describes"},
    Option{.name = "np", .kind = Kind::number, .value = "N", .text = "ranks (default 1)", .min = 1, .max = max_ranks},
    Option{.name = "oversubscribe", .text = "more ranks than CPUs are all right"},
    Option{.name = "cpulist", .kind = Kind::cpus, .value = "LIST", .text = "on these CPUs, as the enclave counts them"},
    Option{.name = "name", .kind = Kind::text, .value = "NAME", .text = "its name (default: the program's)"},
    Option{.name = "envp", .kind = Kind::text, .value = "\"A=1 B=2\"", .text = "more environment variables"},
    Option{.name = "heap_size", .kind = Kind::mebibytes, .value = "MiB", .text = "heap (default 16)", .min = 4096},
    Option{.name = "stack_size", .kind = Kind::mebibytes, .value = "MiB", .text = "stack (default 8)", .min = 4096},
    Option{.name = "use-large-pages", .text = "stack and heap in whole 2 MiB pages"},
    Option{.name = "use-smartmap", .text = "ranks see each other's memory"},
    Option{.name = "hpmmap", .text = "on 'master': memory from reserved large pages, --heap_size of it"},
    Option{.name = "no-rewrite", .text = "leave its system calls on the trap"},
    Option{.name = "detach", .letter = 'd', .text = "do not wait: print its number and return"},
};
constexpr std::array kill_options = {
    Option{.name = "signal", .letter = 's', .kind = Kind::signal, .value = "SIG",
           .text = "by name or number (default TERM)"},
};
constexpr std::array file_operands = {enclave, Operand{.name = "path"}};
constexpr std::array into_file_options = {
    Option{.name = "append", .letter = 'a', .text = "add to its end"},
    Option{.name = "mode", .letter = 'm', .kind = Kind::mode, .value = "OCTAL",
           .text = "its permissions, as in 755 (default: a new file's usual ones)"},
};
constexpr std::array memory_operands = {enclave, amount};
constexpr std::array assign_memory_options = {
    numa, Option{.name = "contiguous", .letter = 'c', .text = "one piece of physical memory"}};
constexpr std::array remove_memory_options = {numa};
constexpr std::array cpu_operands = {
    enclave, Operand{.name = "count", .kind = Kind::number, .optional = true, .min = 1, .max = max_cpus}};
constexpr std::array assign_cpu_options = {numa, cpulist};
constexpr std::array remove_cpu_options = {cpulist};
constexpr std::array assign_pci_operands = {enclave, Operand{.name = "name"}, Operand{.name = "bus:dev.fn"}};
constexpr std::array remove_pci_operands = {enclave, Operand{.name = "name"}};
constexpr std::array console_options = {
    Option{.name = "read-only", .letter = 'r', .text = "only watch"},
    Option{.name = "dump", .letter = 'd', .text = "print what it has said, and return"},
};
constexpr std::array help_operands = {Operand{.name = "command", .kind = Kind::command, .optional = true}};
constexpr std::array completion_operands = {Operand{.name = "shell"}};
constexpr std::array exit_operands = {
    Operand{.name = "status", .kind = Kind::number, .optional = true, .max = max_exit_status}};

constexpr std::array table = {
    Command{.name = "create_enclave", .summary = "Create Native Enclave", .operands = create_operands,
            .details = "The descriptor says what it gets (docs/descriptors.md). A name given here wins over the\n"
                       "descriptor's; without either it is called enclave-<id>.",
            .handler = create_enclave},
    Command{.name = "destroy_enclave", .summary = "Destroy Native Enclave", .operands = enclave_alone,
            .details = "Its applications end, its CPUs and memory are free again. Works on a crashed one, too.",
            .handler = destroy_enclave},
    Command{.name = "ping_enclave", .summary = "Ping an enclave", .operands = enclave_alone, .options = ping_options,
            .handler = ping_enclave},
    Command{.name = "list_enclaves", .summary = "List all running enclaves", .options = json_alone,
            .handler = list_enclaves},
    Command{.name = "list_segments", .summary = "List all exported xemem segments", .options = json_alone,
            .handler = list_segments},
    Command{.name = "launch_app", .summary = "Launch an application in an enclave", .operands = enclave_alone,
            .options = launch_options, .program = "exe args...",
            .usage = "launch_app <enclave> [options] (-f app.xml | [--] exe args...)",
            .details = "Its stdin, stdout and stderr are the command's own, and so is its exit status (128+n for\n"
                       "signal n). Ctrl-C, SIGTERM, SIGHUP and SIGQUIT reach it; a second Ctrl-C kills it.\n"
                       "Options for the launch stand before the program: whatever follows its name is the\n"
                       "program's. The enclave 'master' is the Linux side.",
            .check = check_launch, .handler = launch_app},
    Command{.name = "list_apps", .summary = "List all applications", .options = list_apps_options,
            .handler = list_apps},
    Command{.name = "wait_app", .summary = "Wait for an application to end", .operands = application_alone,
            .details = "By name or number. The exit status is the application's own (128+n for signal n).",
            .handler = wait_app},
    Command{.name = "kill_app", .summary = "Send a signal to an application", .operands = application_alone,
            .options = kill_options, .handler = kill_app},
    Command{.name = "syscalls", .summary = "Count the system calls of an application or an enclave",
            .operands = syscalls_operands, .options = syscalls_options,
            .details = "How often each was made, by whom it was served and how long one took; sites rewritten and left\n"
                       "on the trap; calls that this co-kernel does not have. An application by name or number, also\n"
                       "one of the last that have ended.",
            .check = check_syscalls, .handler = syscalls},
    Command{.name = "dump_cmd_queue", .summary = "Dump the command queue state for an enclave",
            .operands = enclave_alone, .handler = dump_cmd_queue},
    Command{.name = "cat_file", .summary = "'cat' a file on an arbitrary enclave", .operands = file_operands,
            .details = "The whole file, byte for byte, to standard output.", .handler = cat_file},
    Command{.name = "cat_into_file", .summary = "'cat' to a file on an arbitrary enclave", .operands = file_operands,
            .options = into_file_options,
            .details = "Standard input, byte for byte, up to its end. What the file held before is replaced. A program\n"
                       "put below /enclave with --mode 755 can be launched from there.",
            .handler = cat_into_file},
    Command{.name = "list_memory", .summary = "List the status of system memory", .options = json_alone,
            .handler = list_memory},
    Command{.name = "list_cpus", .summary = "List the status of local CPUs", .options = json_alone,
            .handler = list_cpus},
    Command{.name = "list_pci", .summary = "List the PCI devices of the node", .options = json_alone,
            .handler = list_pci},
    Command{.name = "assign_memory", .summary = "Assign memory to an Enclave", .operands = memory_operands,
            .options = assign_memory_options,
            .details = "A bare number is MiB; K, M, G and T say it themselves. Rounded up to whole memory blocks.",
            .handler = assign_memory},
    Command{.name = "remove_memory", .summary = "Take memory from an Enclave", .operands = memory_operands,
            .options = remove_memory_options,
            .details = "A bare number is MiB; K, M, G and T say it themselves. Only memory that nothing there uses.",
            .handler = remove_memory},
    Command{.name = "assign_cpus", .summary = "Assign CPUs to an Enclave", .operands = cpu_operands,
            .options = assign_cpu_options, .usage = "assign_cpus [-n NODE] <enclave> (<count> | --cpulist LIST)",
            .check = check_cpu_choice, .handler = assign_cpus},
    Command{.name = "remove_cpus", .summary = "Take CPUs from an Enclave", .operands = cpu_operands,
            .options = remove_cpu_options, .usage = "remove_cpus <enclave> (<count> | --cpulist LIST)",
            .check = check_cpu_choice, .handler = remove_cpus},
    Command{.name = "assign_pci", .summary = "Assign a PCI device to an Enclave", .operands = assign_pci_operands,
            .details = "Its driver in Linux lets go of it. The name is what it is called from then on.",
            .handler = assign_pci},
    Command{.name = "remove_pci", .summary = "Take a PCI device from an Enclave", .operands = remove_pci_operands,
            .details = "It is Linux's again, whose drivers may take it.", .handler = remove_pci},
    Command{.name = "console", .summary = "Attach to an Enclave Console", .operands = enclave_alone,
            .options = console_options,
            .details = "Shows what it has said and says, types what is typed. Ctrl-] leaves. The end of the input\n"
                       "ends the typing alone.",
            .check = check_console, .handler = console},
    Command{.name = "check_db", .summary = "Check the resource database", .options = json_alone,
            .details = "Prints what contradicts itself, one line a problem, and exits with 1 if there is any.",
            .handler = check_db},
    Command{.name = "help", .summary = "Explain a command", .operands = help_operands, .handler = help},
    Command{.name = "completion", .summary = "Print the completion script of a shell (bash)",
            .operands = completion_operands, .details = "Load it with: source <(hobbes completion bash)",
            .handler = completion},
    Command{.name = "exit", .summary = "Leave the prompt or the script", .operands = exit_operands, .handler = exit},
};

constexpr std::array shell_options = {
    Option{.name = "file", .letter = 'f', .kind = Kind::file, .value = "SCRIPT", .text = "run the commands in it"},
    Option{.name = "keep-going", .letter = 'k', .text = "a script goes on when a command fails"},
    Option{.name = "version", .letter = 'V', .text = "print the version"},
};
constexpr Command shell_row{.name = "hobbes", .summary = "Hobbes Runtime Shell", .options = shell_options,
                            .program = "command args...",
                            .usage = "hobbes [options] [<command> [args...]]",
                            .check = check_shell};

}  // namespace

std::span<const Command> commands() { return table; }

const Command& shell_itself() { return shell_row; }

const Command* find_command(std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Command& row) { return row.name == name; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace hobbes::shell
