// An SDR SDRAM chip between binary files, which checks the commands it is given.
//
// It is loaded from file INITIAL, if there is one, and written to file FINAL when `flush` rises;
// the first byte of a file is the lower half of column 0 of row 0 of bank 0. Words lie in the files
// in the order of {row, bank, column}. Only the first SIZE bytes are there. Bytes that INITIAL does
// not give are zero.
//
// Times are in cycles, as differences of the cycles' numbers. The chip takes its pins at the rising
// edge and shows a word CAS_LATENCY - 1 edges after that of its read, so that who takes `dq_o` at
// the CAS_LATENCY-th has it; ROUND_TRIP edges later with wires that hold as many words. Bytes that
// nobody drives are random.
//
// `violations` counts what is forbidden; `last_violation` is the kind of the last:
//    1  a command before POWER_UP cycles, or a row opened before the chip is set up
//    2  a command that the state of its bank does not allow
//    3  tRCD      4  tRP       5  tRAS, or a row open for longer than TRAS_MAX
//    6  tRC       7  tRRD      8  tWR       9  tRFC      10  tMRD
//   11  refreshes: more than 8 owed, none for 9 intervals, or not REFRESHES in RETENTION cycles
//   12  a word from the chip while the bus is driven, or in the cycle before
//   13  a word to be written that nobody drives
//   14  a mode other than MODE    15  a command that the model does not know
//   16  a word beyond SIZE
module sdram_model #(
    parameter BANK_BITS = 2,
    parameter ROW_BITS = 13,
    parameter COLUMN_BITS = 9,
    parameter DATA_BYTES = 2,
    parameter SIZE = 33554432,
    parameter CAS_LATENCY = 3,
    parameter BURST = 2,
    parameter MODE = 49,
    parameter TRCD = 3,
    parameter TRP = 3,
    parameter TRAS = 5,
    parameter TRAS_MAX = 10000,
    parameter TRC = 7,
    parameter TRRD = 2,
    parameter TWR = 2,
    parameter TRFC = 7,
    parameter TMRD = 2,
    parameter POWER_UP = 20000,
    parameter REFRESH_INTERVAL = 781,
    parameter REFRESHES = 8192,
    parameter RETENTION = 6400000,
    parameter ROUND_TRIP = 0,
    parameter INITIAL = "memory.bin",
    parameter FINAL = "memory_after.bin"
) (
    input wire clk,
    input wire rst,
    input wire flush,

    input wire cke,
    input wire cs_n,
    input wire ras_n,
    input wire cas_n,
    input wire we_n,
    input wire [BANK_BITS-1:0] ba,
    input wire [12:0] a,
    input wire [DATA_BYTES-1:0] dqm,
    input wire [8*DATA_BYTES-1:0] dq_i,
    input wire dq_driven,
    output wire [8*DATA_BYTES-1:0] dq_o,

    output reg [31:0] violations,
    output reg [7:0] last_violation,
    output reg [31:0] refreshes
);
  localparam WIDTH = 8 * DATA_BYTES;
  localparam WORDS = SIZE / DATA_BYTES;
  localparam BANKS = 1 << BANK_BITS;
  localparam LONG_AGO = -1000000;

  reg [WIDTH-1:0] memory[0:WORDS-1];

  // Of each bank: its row, and the cycles of its last commands and of its last word written.
  reg [BANKS-1:0] open;
  reg [ROW_BITS-1:0] row[0:BANKS-1];
  integer activated[0:BANKS-1];
  integer precharged[0:BANKS-1];
  integer written[0:BANKS-1];
  integer any_activated, refreshed, mode_set, now, owed, interval, since;
  integer set_up_refreshes;
  reg is_set_up;
  integer times[0:REFRESHES-1];

  // The burst under way.
  reg burst_on, burst_writes;
  reg [BANK_BITS-1:0] burst_bank;
  reg [COLUMN_BITS-1:0] burst_column;
  integer burst_done;

  // Words on their way to the pins; [0] is there after this edge.
  reg [CAS_LATENCY-1:0] shown;
  reg [WIDTH-1:0] show[0:CAS_LATENCY-1];
  reg [DATA_BYTES-1:0] masked;
  reg [WIDTH-1:0] dq_pin;
  reg [WIDTH-1:0] wire_words[0:ROUND_TRIP];
  reg drives, drove;

  reg flushed;
  reg [31:0] random;
  reg [COLUMN_BITS-1:0] column;
  reg [31:0] word;
  reg [WIDTH-1:0] bytes;
  integer file, count, i, k, b;

  assign dq_o = ROUND_TRIP == 0 ? dq_pin : wire_words[ROUND_TRIP];

  task violate(input [7:0] kind);
    begin
      violations = violations + 1;
      last_violation = kind;
    end
  endtask

  // Whether all rows are closed for long enough.
  task check_closed;
    begin
      if (open != 0) violate(2);
      for (i = 0; i < BANKS; i = i + 1) begin
        if (now - precharged[i] < TRP) violate(4);
        if (now - activated[i] < TRC) violate(6);
      end
      if (now - refreshed < TRFC) violate(9);
    end
  endtask

  task close(input integer bank);
    begin
      if (open[bank]) begin
        if (now - activated[bank] < TRAS || now - activated[bank] > TRAS_MAX) violate(5);
        if (now - written[bank] < TWR) violate(8);
        open[bank] = 0;
        precharged[bank] = now;
        if (burst_on && burst_bank == bank) burst_on = 0;
      end
    end
  endtask

  task clear;
    begin
      open = 0;
      for (i = 0; i < BANKS; i = i + 1) begin
        row[i] = 0;
        activated[i] = LONG_AGO;
        precharged[i] = LONG_AGO;
        written[i] = LONG_AGO;
      end
      any_activated = LONG_AGO;
      refreshed = LONG_AGO;
      mode_set = LONG_AGO;
      now = 0;
      owed = 0;
      interval = 0;
      since = 0;
      set_up_refreshes = 0;
      is_set_up = 0;
      burst_on = 0;
      burst_writes = 0;
      burst_bank = 0;
      burst_column = 0;
      burst_done = 0;
      shown = 0;
      masked = 0;
      drives = 0;
      drove = 0;
      violations = 0;
      last_violation = 0;
      refreshes = 0;
      flushed = 0;
      random = 32'h9E3779B9;
    end
  endtask

  initial begin
    for (i = 0; i < WORDS; i = i + 1) memory[i] = 0;
    file = $fopen(INITIAL, "rb");
    if (file != 0) begin
      count = $fread(memory, file);
      $fclose(file);
      // The first byte of a word came to its upper end.
      for (i = 0; i * DATA_BYTES < count; i = i + 1) begin
        bytes = memory[i];
        for (k = 0; k < DATA_BYTES; k = k + 1) memory[i][8*k+:8] = bytes[8*(DATA_BYTES-1-k)+:8];
      end
    end
    for (i = 0; i < REFRESHES; i = i + 1) times[i] = 0;
    for (i = 0; i < CAS_LATENCY; i = i + 1) show[i] = 0;
    for (i = 0; i <= ROUND_TRIP; i = i + 1) wire_words[i] = 0;
    dq_pin = 0;
    clear;
  end

  always @(posedge clk) begin
    if (rst) clear;
    else begin
      now = now + 1;
      random = random ^ (random << 13);
      random = random ^ (random >> 17);
      random = random ^ (random << 5);

      // The bus: `drives` tells whether the word taken at this edge was the chip's.
      if (dq_driven && (drives || drove)) violate(12);

      // Commands.
      b = ba;
      if (!cke || cs_n || {ras_n, cas_n, we_n} == 3'b111) begin
        if (!cke && is_set_up) violate(15);
      end else begin
        if (now <= POWER_UP) violate(1);
        if (now - mode_set < TMRD) violate(10);
        case ({ras_n, cas_n, we_n})
          3'b000: begin
            check_closed;
            if ({ba, a} != MODE) violate(14);
            if (set_up_refreshes < 8) violate(1);
            mode_set = now;
            is_set_up = 1;
          end
          3'b001: begin
            check_closed;
            refreshed = now;
            if (!is_set_up) set_up_refreshes = set_up_refreshes + 1;
            else begin
              i = refreshes % REFRESHES;
              if (refreshes >= REFRESHES && now - times[i] > RETENTION) violate(11);
              times[i] = now;
              refreshes = refreshes + 1;
              if (owed != 0) owed = owed - 1;
              since = 0;
            end
          end
          3'b010: begin
            if (a[10]) for (k = 0; k < BANKS; k = k + 1) close(k);
            else close(b);
          end
          3'b011: begin
            if (!is_set_up) violate(1);
            if (open[b]) violate(2);
            if (now - precharged[b] < TRP) violate(4);
            if (now - activated[b] < TRC) violate(6);
            if (now - any_activated < TRRD) violate(7);
            if (now - refreshed < TRFC) violate(9);
            open[b] = 1;
            row[b] = a[ROW_BITS-1:0];
            activated[b] = now;
            any_activated = now;
          end
          3'b100, 3'b101: begin
            if (!open[b]) violate(2);
            if (now - activated[b] < TRCD) violate(3);
            if (a[10]) violate(15);
            burst_on = 1;
            burst_writes = !we_n;
            burst_bank = ba;
            burst_column = a[COLUMN_BITS-1:0];
            burst_done = 0;
          end
          default: violate(15);
        endcase
      end

      // A word of the burst; it stays within the block of BURST columns.
      for (i = 0; i < CAS_LATENCY - 1; i = i + 1) show[i] = show[i+1];
      shown = shown >> 1;
      if (burst_on) begin
        column = (burst_column & ~(BURST - 1)) | ((burst_column + burst_done) & (BURST - 1));
        word = (({19'b0, row[burst_bank]} << BANK_BITS | burst_bank) << COLUMN_BITS) | column;
        if (burst_writes) begin
          if (!(&dqm)) begin
            if (!dq_driven) violate(13);
            if (word >= WORDS) violate(16);
            else
              for (k = 0; k < DATA_BYTES; k = k + 1)
                if (!dqm[k]) memory[word][8*k+:8] = dq_i[8*k+:8];
            written[burst_bank] = now;
          end
        end else begin
          shown[CAS_LATENCY-1] = 1;
          show[CAS_LATENCY-1] = word < WORDS ? memory[word] : random[WIDTH-1:0];
        end
        burst_done = burst_done + 1;
        if (burst_done == BURST) burst_on = 0;
      end

      // What is on the pins until the next edge. A mask works two edges later.
      drove = drives;
      drives = shown[0];
      bytes = random[WIDTH-1:0];
      if (drives) bytes = show[0];
      for (k = 0; k < DATA_BYTES; k = k + 1)
        if (masked[k]) bytes[8*k+:8] = random[8*k+:8];
      for (k = ROUND_TRIP; k > 0; k = k - 1) wire_words[k] <= k == 1 ? dq_pin : wire_words[k-1];
      dq_pin <= bytes;
      masked = dqm;

      // Refreshes.
      if (is_set_up) begin
        since = since + 1;
        interval = interval + 1;
        if (interval == REFRESH_INTERVAL) begin
          interval = 0;
          owed = owed + 1;
          if (owed > 8) violate(11);
        end
        if (since == 9 * REFRESH_INTERVAL) begin
          violate(11);
          since = 0;
        end
      end

      if (flush && !flushed) begin
        file = $fopen(FINAL, "wb");
        for (i = 0; i < SIZE; i = i + 1)
          $fwrite(file, "%c", memory[i/DATA_BYTES][8*(i%DATA_BYTES)+:8]);
        $fclose(file);
      end
      flushed = flush;
    end
  end
endmodule
