#include "shell/commands.h"
#include "shell/completion.h"
#include "shell/shell.h"
#include "shell/text.h"

namespace sts::shell {

Command source_command() {
  return {
      "source",
      "FILE",
      "run the commands in a file",
      "FILE is the rest of the line. Each command ends before the next begins, as in a script;\n"
      "one that fails does not keep the next from running. Errors name FILE and line. On a\n"
      "terminal Ctrl-C leaves the file.",
      Completion::path,
      [](Shell& shell, std::string_view arguments) {
        return shell.source(expand_home(trim(arguments)));
      }};
}

}  // namespace sts::shell
