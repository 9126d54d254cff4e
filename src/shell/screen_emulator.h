// For the tests of the shell: what a person would see, from the bytes that go to the terminal.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "shell/text.h"

namespace sts::shell {

/// The part of ECMA-48 that the shell and libedit use on TERM=xterm. Characters are one cell wide.
class ScreenEmulator {
 public:
  ScreenEmulator(int rows, int columns)
      : rows_(rows), columns_(columns), cells_(static_cast<std::size_t>(rows), blank()) {}

  /// All of `bytes`, from a clean screen.
  static ScreenEmulator show(int rows, int columns, std::string_view bytes) {
    ScreenEmulator screen(rows, columns);
    screen.feed(bytes);
    return screen;
  }

  /// One string for each row, without blanks at its end.
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& row : cells_) {
      std::string line;
      for (const auto& cell : row) line += cell;
      line.erase(line.find_last_not_of(' ') + 1);
      out.push_back(line);
    }
    return out;
  }
  /// The rows put together as they wrap, without blanks at the end: one string for the screen.
  std::string flat() const {
    std::string out;
    for (const auto& row : cells_) {
      for (const auto& cell : row) out += cell;
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
  }
  int row() const { return row_; }
  int column() const { return column_; }

 private:
  std::vector<std::string> blank() const {
    return std::vector<std::string>(static_cast<std::size_t>(columns_), " ");
  }
  std::string& cell(int row, int column) {
    return cells_[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)];
  }

  void feed(std::string_view bytes) {
    while (!bytes.empty()) {
      if (bytes.substr(0, 2) == "\033[") {
        const auto end = bytes.find_first_not_of("0123456789;?", 2);
        if (end == std::string_view::npos) return;
        control(bytes[end], std::atoi(std::string(bytes.substr(2, end - 2)).c_str()));
        bytes.remove_prefix(end + 1);
        continue;
      }
      const auto point = first_code_point(bytes);
      if (!point) return;  // the rest of it has not come yet
      character(bytes.substr(0, point->size));
      bytes.remove_prefix(point->size);
    }
  }

  void character(std::string_view c) {
    if (c == "\r") {
      column_ = 0;
    } else if (c == "\n") {
      down();
    } else if (c == "\b") {
      column_ = std::max(0, std::min(column_, columns_ - 1) - 1);
    } else if (c == "\t") {
      column_ = std::min(columns_ - 1, column_ / 8 * 8 + 8);
    } else if (static_cast<unsigned char>(c[0]) >= 0x20) {
      if (column_ == columns_) {  // a full row wraps when the next character comes
        column_ = 0;
        down();
      }
      cell(row_, column_++) = c;
    }
  }

  void down() {
    if (row_ + 1 < rows_) {
      ++row_;
      return;
    }
    cells_.erase(cells_.begin());
    cells_.push_back(blank());
  }

  void control(char final, int n) {
    const int count = std::max(n, 1);
    const int at = std::min(column_, columns_ - 1);
    auto& row = cells_[static_cast<std::size_t>(row_)];
    switch (final) {
      case 'A':
        row_ = std::max(0, row_ - count);
        column_ = at;
        break;
      case 'B':
        row_ = std::min(rows_ - 1, row_ + count);
        column_ = at;
        break;
      case 'C':
        column_ = std::min(columns_ - 1, at + count);
        break;
      case 'D':
        column_ = std::max(0, at - count);
        break;
      case 'G':
        column_ = std::min(columns_, count) - 1;
        break;
      case 'J':
        for (int below = row_ + 1; below < rows_; ++below) {
          cells_[static_cast<std::size_t>(below)] = blank();
        }
        [[fallthrough]];
      case 'K':
        for (int c = at; c < columns_; ++c) cell(row_, c) = " ";
        break;
      case 'P':
        row.erase(row.begin() + at, row.begin() + std::min(at + count, columns_));
        row.resize(static_cast<std::size_t>(columns_), " ");
        break;
      case '@':
        row.insert(row.begin() + at, static_cast<std::size_t>(count), " ");
        row.resize(static_cast<std::size_t>(columns_));
        break;
      default:  // colours and modes don't move anything
        break;
    }
  }

  int rows_, columns_, row_ = 0, column_ = 0;
  std::vector<std::vector<std::string>> cells_;
};

}  // namespace sts::shell
