#include <memory>
#include <optional>

#include "shell/commands.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {
namespace {

Result<void> run_program(Shell& shell, std::string_view arguments) {
  using Progress = Shell::Progress;
  if (trim(arguments).empty())
    return fail(Errc::bad_input, "!: CMD is missing", "for instance !ls");
  if (arguments.find('\0') != std::string_view::npos) {
    return fail(Errc::bad_input, "!: CMD holds a NUL byte", "leave it out");
  }
  auto status = std::make_shared<std::optional<int>>();
  auto started = shell.run_program(std::string(arguments), [&shell, status](int ended) {
    *status = ended;
    shell.recheck();
  });
  if (!started) return started;
  shell.wait([&shell, status] {
    if (!status->has_value()) return Progress::waiting;
    const std::string outcome = describe_exit(**status);
    if (outcome.empty()) return Progress::done;
    shell.report({Errc::io, "the program " + outcome, "see what it said above"});
    return Progress::failed;
  });
  return {};
}

}  // namespace

Command program_command() {
  return {"!",
          "CMD",
          "run a program of the host: sh -c CMD",
          "It owns the terminal until it ends; what arrives meanwhile is shown then. In a script\n"
          "it has no input.",
          Completion::none,
          run_program};
}

}  // namespace sts::shell
