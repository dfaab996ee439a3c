// SPDX-License-Identifier: Apache-2.0
// libedit edits the line; reading keys is ours, so that signals are heard between two of them. They are blocked all the
// time and read from a descriptor, which is also what interrupts the command that runs.
#include "shell/prompt.hpp"

#include <histedit.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cwchar>
#include <memory>
#include <optional>

#include "shell/completion.hpp"
#include "shell/history_file.hpp"
#include "shell/line.hpp"
#include "shell/shell.hpp"
#include "shell/signals.hpp"

namespace hobbes::shell {
namespace {

constexpr int history_length = 1000;
constexpr std::size_t usual_width = 80;

struct EndEditing {
  void operator()(EditLine* edit) const { el_end(edit); }
};
struct EndHistory {
  void operator()(History* history) const { history_end(history); }
};

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual_width;
}

char* prompt_text(EditLine*) {
  static std::array text = std::to_array("hobbes> ");
  return text.data();
}

/// Candidates below the line, in columns. Of files, only the part behind the last directory.
void list(std::FILE* out, const std::vector<std::string>& candidates) {
  const auto name_of = [](const std::string& candidate) {
    const auto slash = candidate.size() < 2 ? candidate.npos : candidate.rfind('/', candidate.size() - 2);
    return slash == candidate.npos ? candidate : candidate.substr(slash + 1);
  };
  std::size_t width = 0;
  for (const auto& candidate : candidates) width = std::max(width, name_of(candidate).size() + 2);
  const std::size_t columns = std::max<std::size_t>(1, terminal_width() / width);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (i % columns == 0) std::fputc('\n', out);
    std::fprintf(out, "%-*s", static_cast<int>(width), name_of(candidates[i]).c_str());
  }
  std::fputc('\n', out);
}

class Prompt {
 public:
  Prompt(Shell& shell, CaughtSignals ending, CaughtSignals others)
      : shell_(shell), ending_(std::move(ending)), others_(std::move(others)), history_file_(history_file()) {
    prepare_history();
    prepare_editing();
    shell_.interrupt_fd = ending_.fd();
    shell_.help = "help";
  }
  Prompt(const Prompt&) = delete;
  Prompt& operator=(const Prompt&) = delete;
  ~Prompt() { shell_.interrupt_fd = -1; }

  int run() {
    shell_.out << "Hobbes " << HOBBES_VERSION << ": 'help' lists the commands, Tab completes, Ctrl-D leaves.\n"
               << std::flush;
    int status = exit_done;
    while (!shell_.leaving) {
      const auto line = read_line();
      if (!line) break;
      status = run_line(shell_, *line);
      see_signals();
      if (status == exit_by_signal(SIGINT)) shell_.out << '\n' << std::flush;  // behind the terminal's "^C"
    }
    return shell_.leaving ? status : exit_done;
  }

 private:
  void prepare_history() {
    HistEvent event{};
    history_.reset(history_init());
    history(history_.get(), &event, H_SETSIZE, history_length);
    history(history_.get(), &event, H_SETUNIQUE, 1);
    if (!history_file_.empty()) history(history_.get(), &event, H_LOAD, history_file_.c_str());  // absent at first
  }

  void prepare_editing() {
    std::setlocale(LC_CTYPE, "");
    edit_.reset(el_init("hobbes", stdin, stdout, stderr));
    el_set(edit_.get(), EL_CLIENTDATA, this);
    el_set(edit_.get(), EL_PROMPT, prompt_text);
    el_set(edit_.get(), EL_EDITOR, "emacs");
    el_set(edit_.get(), EL_HIST, history, history_.get());
    el_set(edit_.get(), EL_GETCFN, give_key);
    el_set(edit_.get(), EL_ADDFN, "hobbes-complete", "Complete the word", on_tab);
    el_set(edit_.get(), EL_BIND, "^I", "hobbes-complete", nullptr);
    el_set(edit_.get(), EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_source(edit_.get(), nullptr);  // the user's ~/.editrc
  }

  // What libedit calls.
  static int give_key(EditLine* edit, wchar_t* key) { return of(edit).read_key(*key); }
  static unsigned char on_tab(EditLine* edit, int) { return of(edit).complete_word(); }

  static Prompt& of(EditLine* edit) {
    void* prompt = nullptr;
    el_get(edit, EL_CLIENTDATA, &prompt);
    return *static_cast<Prompt*>(prompt);
  }

  /// The next line that is worth running; nothing when the session is over.
  std::optional<std::string> read_line() {
    while (!shell_.leaving) {
      cancelled_ = false;
      int length = 0;
      el_set(edit_.get(), EL_PREP_TERM, 1);  // before the prompt is seen: what is typed then is for libedit
      const char* text = el_gets(edit_.get(), &length);
      if (text != nullptr && length > 0) return remember(std::string(text, static_cast<std::size_t>(length)));
      shell_.out << '\n' << std::flush;
      if (!cancelled_) return std::nullopt;
    }
    return std::nullopt;
  }

  std::string remember(std::string line) {
    HistEvent event{};
    if (line.find_first_not_of(" \t\r\n") == line.npos) return line;
    history(history_.get(), &event, H_ENTER, line.c_str());
    if (!history_file_.empty()) history(history_.get(), &event, H_SAVE, history_file_.c_str());
    return line;
  }

  /// libedit's way to a key: how many it got, 0 at the end of the input, -1 to give the line up.
  int read_key(wchar_t& key) {
    std::mbstate_t state{};
    while (true) {
      if (!wait_for_key()) return -1;
      char byte = 0;
      const ssize_t got = read(STDIN_FILENO, &byte, 1);
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got <= 0) return static_cast<int>(got);
      const std::size_t used = std::mbrtowc(&key, &byte, 1, &state);
      constexpr auto incomplete = static_cast<std::size_t>(-2), wrong = static_cast<std::size_t>(-1);
      if (used == wrong) state = {};
      if (used != wrong && used != incomplete) return 1;
    }
  }

  /// False: a signal wants the line gone.
  bool wait_for_key() {
    while (true) {
      std::array<pollfd, 3> polled{{{STDIN_FILENO, POLLIN, 0}, {ending_.fd(), POLLIN, 0}, {others_.fd(), POLLIN, 0}}};
      if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return false;
      while (const auto signal = others_.next())
        if (*signal == SIGWINCH) el_resize(edit_.get());
      if (see_signals()) {
        cancelled_ = true;
        return false;
      }
      if (polled[0].revents != 0) return true;
    }
  }

  /// Takes the signals that came: true if one was a Ctrl-C or ends the session.
  bool see_signals() {
    bool seen = false;
    while (const auto signal = ending_.next()) {
      shell_.leaving = shell_.leaving || *signal == SIGTERM || *signal == SIGHUP;
      seen = seen || *signal != SIGQUIT;
    }
    return seen;
  }

  unsigned char complete_word() {
    const LineInfo* line = el_line(edit_.get());
    const auto completion = complete(shell_, {line->buffer, static_cast<std::size_t>(line->cursor - line->buffer)});
    if (const std::string more = completion.insertion(); !more.empty())
      return el_insertstr(edit_.get(), more.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    if (completion.candidates.size() < 2) return CC_REFRESH_BEEP;
    list(stdout, completion.candidates);
    return CC_REDISPLAY;
  }

  Shell& shell_;
  CaughtSignals ending_;
  CaughtSignals others_;  ///< SIGWINCH, and SIGTSTP, which a session does not take
  const std::filesystem::path history_file_;
  std::unique_ptr<History, EndHistory> history_;
  std::unique_ptr<EditLine, EndEditing> edit_;  ///< uses history_
  bool cancelled_ = false;                      ///< the line was given up for a signal
};

}  // namespace

int run_prompt(Shell& shell) {
  auto ending = CaughtSignals::create();
  auto others = CaughtSignals::create({SIGWINCH, SIGTSTP});
  if (!ending || !others) {
    shell.complain((ending ? others : ending).error().text());
    return exit_failed;
  }
  return Prompt(shell, *std::move(ending), *std::move(others)).run();
}

}  // namespace hobbes::shell
