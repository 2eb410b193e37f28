// A simulated board at one end of a UART line, a program at the other.
//
// A bit takes `cycles_per_bit` cycles of the board's clock. Times are cycles since the reset.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "Vboard.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

constexpr unsigned kFrameBits = 10;

struct Board {
  VerilatedContext context;
  std::unique_ptr<Vboard> top;
  unsigned cycles_per_bit;
  uint64_t now = 0;

  // To the board: bytes to come, and what is left of the frame on the line.
  std::deque<uint8_t> to;
  unsigned levels = 1;
  unsigned bits_left = 0;
  unsigned cycles_left = 0;

  // From the board: bytes that have come, and what is left of the frame on the line.
  std::deque<uint8_t> from;
  unsigned samples = 0;
  unsigned wait = 0;
  unsigned sampled = 0;

  void send() {
    if (cycles_left) {
      cycles_left--;
      return;
    }
    if (bits_left) {
      bits_left--;
      levels >>= 1;
    } else if (!to.empty()) {
      // Start bit 0, data from the lowest bit on, stop bit 1.
      levels = to.front() << 1 | 1u << (kFrameBits - 1);
      to.pop_front();
      bits_left = kFrameBits - 1;
    } else {
      return;
    }
    cycles_left = cycles_per_bit - 1;
  }

  void receive(bool line) {
    if (!samples) {
      if (line) return;
      samples = kFrameBits;
      wait = cycles_per_bit / 2;
    } else if (wait) {
      wait--;
      return;
    } else {
      wait = cycles_per_bit - 1;
      sampled = sampled >> 1 | static_cast<unsigned>(line) << (kFrameBits - 1);
      if (!--samples && line) from.push_back(sampled >> 1 & 0xFF);
    }
  }

  void cycle() {
    send();
    top->rx = bits_left || cycles_left ? levels & 1 : 1;
    top->clk = 0;
    top->eval();
    top->clk = 1;
    top->eval();
    now++;
    receive(top->tx);
  }
};

}  // namespace

extern "C" {

Board* board_create(uint32_t cycles_per_bit) {
  auto* board = new Board;
  board->top = std::make_unique<Vboard>(&board->context);
  board->cycles_per_bit = cycles_per_bit;
  board->top->rst = 1;
  for (int k = 0; k < 4; k++) board->cycle();
  board->top->rst = 0;
  return board;
}

void board_delete(Board* board) {
  board->top->final();
  delete board;
}

void board_send(Board* board, const uint8_t* bytes, size_t count) {
  board->to.insert(board->to.end(), bytes, bytes + count);
}

// Go on for `cycles`, or until a byte has come; returns the time.
uint64_t board_run(Board* board, uint64_t cycles) {
  uint64_t end = board->now + cycles;
  while (board->now < end && board->from.empty()) board->cycle();
  return board->now;
}

// Bytes that have come, up to `most`.
size_t board_take(Board* board, uint8_t* bytes, size_t most) {
  size_t count = 0;
  while (count < most && !board->from.empty()) {
    bytes[count++] = board->from.front();
    board->from.pop_front();
  }
  return count;
}

// Whether bytes are still to be sent, or a run is under way.
int board_busy(const Board* board) {
  return !board->to.empty() || board->bits_left || board->samples || board->top->running;
}

uint32_t board_violations(const Board* board) { return board->top->violations; }
}
