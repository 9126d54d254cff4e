// A tool of the build: manual pages and completion scripts from the commands' own definitions.
//   sts_manual man COMMAND OUTPUT PROSE
//   sts_manual bash | zsh OUTPUT
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/complete.h"
#include "cli/man.h"

namespace {

sts::Result<std::string> page(const CLI::App& app, const std::string& command,
                              const std::string& file) {
  std::ifstream in(file);
  return sts::cli::manual(*app.get_subcommand(command), {std::istreambuf_iterator<char>(in), {}});
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  CLI::App app("", "sts");
  int unused = 0;
  sts::cli::add_commands(app, unused);
  sts::Result<std::string> text;
  if (words.size() == 2 && words[0] == "bash") {
    text = sts::cli::bash_completion(app);
  } else if (words.size() == 2 && words[0] == "zsh") {
    text = sts::cli::zsh_completion(app);
  } else if (words.size() == 4 && words[0] == "man") {
    text = page(app, words[1], words[3]);
    if (!text) std::cerr << words[3] << ": " << text.error().message << '\n';
  } else {
    std::cerr << "usage: sts_manual man COMMAND OUTPUT PROSE | bash OUTPUT | zsh OUTPUT\n";
    return 2;
  }
  if (!text) return 1;
  std::ofstream out(words.size() == 4 ? words[2] : words[1], std::ios::binary);
  return out << *text && out.flush() ? 0 : 1;
}
