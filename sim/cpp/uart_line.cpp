// A UART line with a simulated link bridge at one end and a program at the other.
//
// Both ends have their own clocks: a bit of the program's end takes `cycles_per_bit` cycles of the
// bridge's clock, any positive number. Every bit time each direction is inverted with a probability
// of `flips` / 2^32. Times are cycles since the reset.
//
// What is sent are symbols of 32 bits: the levels of up to 16 bit times, the first in bit 0, and
// their number in bits 16 to 20. With bit 31 set it is the end of the cable being pulled: for as many
// bit times as bits 0 to 15 say, both ends see the level of bit 16, and what is sent is lost.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "Vlink.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

// One direction: inverts bits at random (Marsaglia's xorshift64).
struct Noise {
  uint64_t state;
  uint64_t flips = 0;
  bool inverted = false;
  void next(uint32_t probability) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    inverted = static_cast<uint32_t>(state >> 32) < probability;
    flips += inverted;
  }
};

struct Line {
  VerilatedContext context;
  std::unique_ptr<Vlink> top;
  double cycles_per_bit;
  uint32_t flips = 0;
  uint64_t now = 0;

  // To the bridge: when the bit that is sent is over, what follows it, and its level.
  std::deque<uint32_t> symbols;
  double bit_over = 0;
  uint32_t levels = 0;
  unsigned left = 0;
  bool level = true;
  Noise to{};

  // From the bridge: samples still to come, the time of the next, and what came.
  std::deque<uint16_t> received;
  unsigned samples = 0;
  double sample_at = 0;
  uint16_t bits = 0;
  bool before = true;
  double noise_over = 0;
  Noise from{};

  double cut_over = 0;
  bool cut_level = true;

  void send() {
    if (now < bit_over) return;
    // A line at rest has no bit times; the next symbol begins when it is there.
    if (!left && symbols.empty()) {
      level = true;
      bit_over = now;
      to.inverted = false;
      return;
    }
    while (!left && !symbols.empty()) {
      uint32_t symbol = symbols.front();
      symbols.pop_front();
      if (symbol >> 31) {
        cut_over = now + (symbol & 0xFFFF) * cycles_per_bit;
        cut_level = symbol >> 16 & 1;
      } else {
        levels = symbol & 0xFFFF;
        left = symbol >> 16 & 31;
      }
    }
    if (left) {
      level = levels & 1;
      levels >>= 1;
      left--;
      bit_over += cycles_per_bit;
      to.next(flips);
    }
  }

  void receive(bool line) {
    if (now >= noise_over) {
      noise_over = now + cycles_per_bit;
      // A line at rest is left alone, as above.
      bool active = samples || !line;
      from.next(active ? flips : 0);
    }
    line ^= from.inverted;
    if (now < cut_over) line = cut_level;
    if (!samples && before && !line) {
      samples = 10;
      sample_at = now + 0.5 * cycles_per_bit;
    } else if (samples && now >= sample_at) {
      sample_at += cycles_per_bit;
      samples--;
      bits = static_cast<uint16_t>(bits >> 1 | line << 9);
      if (samples == 9 && line) samples = 0;
      else if (!samples) received.push_back(bits >> 1 & 0x1FF);
    }
    before = line;
  }

  void cycle() {
    send();
    top->rx = now < cut_over ? cut_level : level ^ to.inverted;
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

Line* line_create(double cycles_per_bit, uint64_t seed, uint32_t stalls, uint32_t latency,
                  uint32_t order) {
  auto* line = new Line;
  line->top = std::make_unique<Vlink>(&line->context);
  line->cycles_per_bit = cycles_per_bit;
  line->to.state = 2 * seed + 0x9E3779B97F4A7C15;
  line->from.state = line->to.state ^ 0xBF58476D1CE4E5B9;
  line->top->seed = static_cast<uint32_t>(seed);
  line->top->stalls = stalls;
  line->top->latency = latency;
  line->top->order = order;
  line->top->rst = 1;
  for (int k = 0; k < 4; k++) line->cycle();
  line->top->rst = 0;
  return line;
}

void line_delete(Line* line) {
  line->top->final();
  delete line;
}

void line_flips(Line* line, uint32_t probability) { line->flips = probability; }

void line_send(Line* line, const uint32_t* symbols, size_t count) {
  line->symbols.insert(line->symbols.end(), symbols, symbols + count);
}

// Go on for `cycles`, or until a byte has come if `eager`; returns the time.
uint64_t line_run(Line* line, uint64_t cycles, int eager) {
  uint64_t end = line->now + cycles;
  while (line->now < end && !(eager && !line->received.empty())) line->cycle();
  return line->now;
}

// Bytes that have come, up to `most`, with their stop bit in bit 8.
size_t line_take(Line* line, uint16_t* bytes, size_t most) {
  size_t count = 0;
  while (count < most && !line->received.empty()) {
    bytes[count++] = line->received.front();
    line->received.pop_front();
  }
  return count;
}

// Whether there are symbols that are not sent, or the cable is pulled.
int line_busy(const Line* line) {
  return line->left || !line->symbols.empty() || line->now < line->cut_over;
}

void line_reset(Line* line) {
  line->top->rst = 1;
  line->cycle();
  line->top->rst = 0;
}

// Have the memory written to its file.
void line_flush(Line* line) {
  line->top->flush = 1;
  for (int k = 0; k < 3; k++) line->cycle();
  line->top->flush = 0;
  line->cycle();
}

uint64_t line_flipped(const Line* line) { return line->to.flips + line->from.flips; }
uint32_t line_starts(const Line* line) { return line->top->starts; }
uint32_t line_violations(const Line* line) { return line->top->violations; }
}
