// A memory on AXI4, between binary files.
//
// It is loaded from file INITIAL, if there is one, and again whenever `reload` rises; it is written
// to file FINAL when `flush` rises. The first byte of a file is that at address 0. Bytes that
// INITIAL does not give are zero.
//
// Bursts of all ids are answered in the order in which their addresses come. The first beat of a
// read comes `latency` cycles after its address, though never in the same cycle; beats follow each
// other without a gap, as do bursts while addresses come in time, and up to QUEUE bursts may be
// under way each way. With probability `stalls` / 65536 a channel pauses in a cycle.
//
// `order` says how a write's address and data are taken: 0, independently of each other; 1, no
// beat before its address; 2, no address before one of its beats is on offer.
//
// `violations` counts bursts that leave the memory, cross a multiple of 4096, are not aligned, are
// not of type INCR with full beats; write beats whose WLAST is wrong; and what is withdrawn or
// changed before it is taken. Beats outside of the memory are answered with DECERR, and those at
// `broken` or above with SLVERR, unless that is 0; neither is written. `outside` counts bursts that
// touch a byte below `low`, or at `high` or above.
module axi_memory #(
    parameter DATA_BYTES = 16,
    parameter ADDRESS_BITS = 32,
    parameter ID_BITS = 1,
    parameter SIZE = 65536,
    parameter QUEUE = 64,
    parameter [31:0] SALT = 1,
    parameter INITIAL = "memory.bin",
    parameter FINAL = "memory_after.bin"
) (
    input wire clk,
    input wire rst,
    input wire [31:0] seed,
    input wire [16:0] stalls,
    input wire [15:0] latency,
    input wire [1:0] order,
    input wire flush,
    input wire reload,
    input wire [ADDRESS_BITS-1:0] low,
    input wire [ADDRESS_BITS-1:0] high,
    input wire [ADDRESS_BITS-1:0] broken,

    input wire [ID_BITS-1:0] awid,
    input wire [ADDRESS_BITS-1:0] awaddr,
    input wire [7:0] awlen,
    input wire [2:0] awsize,
    input wire [1:0] awburst,
    input wire awvalid,
    output reg awready,
    input wire [8*DATA_BYTES-1:0] wdata,
    input wire [DATA_BYTES-1:0] wstrb,
    input wire wlast,
    input wire wvalid,
    output reg wready,
    output reg [ID_BITS-1:0] bid,
    output reg [1:0] bresp,
    output reg bvalid,
    input wire bready,

    input wire [ID_BITS-1:0] arid,
    input wire [ADDRESS_BITS-1:0] araddr,
    input wire [7:0] arlen,
    input wire [2:0] arsize,
    input wire [1:0] arburst,
    input wire arvalid,
    output reg arready,
    output reg [ID_BITS-1:0] rid,
    output reg [8*DATA_BYTES-1:0] rdata,
    output reg [1:0] rresp,
    output reg rlast,
    output reg rvalid,
    input wire rready,

    output reg [31:0] violations,
    output reg [31:0] outside,
    output reg [63:0] beats_read,
    output reg [63:0] beats_written
);
  localparam WIDTH = 8 * DATA_BYTES;
  localparam WORDS = (SIZE + DATA_BYTES - 1) / DATA_BYTES;
  localparam BYTE_BITS = $clog2(DATA_BYTES);

  reg [WIDTH-1:0] memory[0:WORDS-1];

  // Rings: of reads, of writes, of beats to be written, and of answers to writes.
  reg [ADDRESS_BITS-1:0] read_address[0:QUEUE-1];
  reg [7:0] read_length[0:QUEUE-1];
  reg [ID_BITS-1:0] read_id[0:QUEUE-1];
  reg [31:0] read_due[0:QUEUE-1];
  reg [ADDRESS_BITS-1:0] write_address[0:QUEUE-1];
  reg [7:0] write_length[0:QUEUE-1];
  reg [ID_BITS-1:0] write_id[0:QUEUE-1];
  reg [WIDTH-1:0] beat_data[0:QUEUE-1];
  reg [DATA_BYTES-1:0] beat_strobe[0:QUEUE-1];
  reg beat_last[0:QUEUE-1];
  reg [ID_BITS-1:0] answer_id[0:QUEUE-1];
  reg [1:0] answer_response[0:QUEUE-1];
  integer read_first, read_count, write_first, write_count;
  integer beat_first, beat_count, answer_first, answer_count;

  // Beats of the oldest read and write that are done; beats whose address has come, less beats.
  integer read_done, write_done, owed;
  reg [1:0] write_response;

  // What was on offer and not taken.
  reg aw_waits, w_waits, ar_waits;
  reg [ADDRESS_BITS+ID_BITS+12:0] aw_offer, ar_offer;
  reg [WIDTH+DATA_BYTES:0] w_offer;

  reg [31:0] now, random;
  reg flushed, reloaded;
  reg [ADDRESS_BITS-1:0] word;
  reg [WIDTH-1:0] bytes;
  integer file, count, i, k;

  // Whether a channel acts in this cycle; Marsaglia's xorshift32.
  function act(input [16:0] probability);
    begin
      act = 1;
      if (probability != 0) begin
        random = random ^ (random << 13);
        random = random ^ (random >> 17);
        random = random ^ (random << 5);
        act = {1'b0, random[23:8]} >= probability;
      end
    end
  endfunction

  // Violations of a burst.
  function integer faults(input [ADDRESS_BITS-1:0] address, input [7:0] length,
                          input [2:0] size, input [1:0] burst);
    reg [ADDRESS_BITS:0] last;
    begin
      last = address + length * DATA_BYTES;
      faults = 0;
      if (size != BYTE_BITS || burst != 1) faults = faults + 1;
      if (address % DATA_BYTES != 0) faults = faults + 1;
      if (last / 4096 != address / 4096) faults = faults + 1;
      if (last + DATA_BYTES > SIZE) faults = faults + 1;
    end
  endfunction

  // Whether a burst leaves the bytes from `low` to `high` - 1.
  function leaves(input [ADDRESS_BITS-1:0] address, input [7:0] length);
    reg [ADDRESS_BITS:0] stop;
    begin
      stop = address + (length + 1) * DATA_BYTES;
      leaves = address < low || stop > high;
    end
  endfunction

  // How a beat is answered.
  function [1:0] response(input [ADDRESS_BITS-1:0] word);
    begin
      if (word >= WORDS) response = 2'd3;
      else if (broken != 0 && word * DATA_BYTES >= broken) response = 2'd2;
      else response = 2'd0;
    end
  endfunction

  task load;
    begin
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
    end
  endtask

  task clear;
    begin
      awready <= 0;
      wready <= 0;
      arready <= 0;
      bvalid <= 0;
      rvalid <= 0;
      beats_read <= 0;
      beats_written <= 0;
      violations = 0;
      outside = 0;
      read_first = 0;
      read_count = 0;
      write_first = 0;
      write_count = 0;
      beat_first = 0;
      beat_count = 0;
      answer_first = 0;
      answer_count = 0;
      read_done = 0;
      write_done = 0;
      write_response = 0;
      owed = 0;
      aw_waits = 0;
      w_waits = 0;
      ar_waits = 0;
      now = 0;
      flushed = 0;
      reloaded = 0;
      random = (seed ^ (SALT * 32'h9E3779B9)) | 32'h1;
    end
  endtask

  initial begin
    load;
    clear;
  end

  always @(posedge clk) begin
    if (rst) clear;
    else begin
      now = now + 1;

      // What must hold while it waits.
      if (aw_waits && {awvalid, awid, awaddr, awlen, awsize, awburst} != {1'b1, aw_offer})
        violations = violations + 1;
      if (w_waits && {wvalid, wdata, wstrb, wlast} != {1'b1, w_offer}) violations = violations + 1;
      if (ar_waits && {arvalid, arid, araddr, arlen, arsize, arburst} != {1'b1, ar_offer})
        violations = violations + 1;
      aw_waits = awvalid && !awready;
      w_waits = wvalid && !wready;
      ar_waits = arvalid && !arready;
      if (aw_waits) aw_offer = {awid, awaddr, awlen, awsize, awburst};
      if (w_waits) w_offer = {wdata, wstrb, wlast};
      if (ar_waits) ar_offer = {arid, araddr, arlen, arsize, arburst};

      // Take.
      if (arvalid && arready) begin
        i = (read_first + read_count) % QUEUE;
        read_address[i] = araddr;
        read_length[i] = arlen;
        read_id[i] = arid;
        read_due[i] = now + latency;
        read_count = read_count + 1;
        violations = violations + faults(araddr, arlen, arsize, arburst);
        outside = outside + leaves(araddr, arlen);
      end
      if (awvalid && awready) begin
        i = (write_first + write_count) % QUEUE;
        write_address[i] = awaddr;
        write_length[i] = awlen;
        write_id[i] = awid;
        write_count = write_count + 1;
        owed = owed + awlen + 1;
        violations = violations + faults(awaddr, awlen, awsize, awburst);
        outside = outside + leaves(awaddr, awlen);
      end
      if (wvalid && wready) begin
        i = (beat_first + beat_count) % QUEUE;
        beat_data[i] = wdata;
        beat_strobe[i] = wstrb;
        beat_last[i] = wlast;
        beat_count = beat_count + 1;
        owed = owed - 1;
      end

      // Write a beat.
      if (write_count != 0 && beat_count != 0 && answer_count < QUEUE) begin
        word = write_address[write_first] / DATA_BYTES + write_done;
        if (response(word) == 0) begin
          if (&beat_strobe[beat_first]) memory[word] = beat_data[beat_first];
          else
            for (k = 0; k < DATA_BYTES; k = k + 1)
              if (beat_strobe[beat_first][k])
                memory[word][8*k+:8] = beat_data[beat_first][8*k+:8];
        end else write_response = write_response | response(word);
        if (beat_last[beat_first] != (write_done == write_length[write_first]))
          violations = violations + 1;
        beats_written <= beats_written + 1;
        write_done = write_done + 1;
        if (write_done > write_length[write_first]) begin
          i = (answer_first + answer_count) % QUEUE;
          answer_id[i] = write_id[write_first];
          answer_response[i] = write_response;
          answer_count = answer_count + 1;
          write_done = 0;
          write_response = 0;
          write_first = (write_first + 1) % QUEUE;
          write_count = write_count - 1;
        end
        beat_first = (beat_first + 1) % QUEUE;
        beat_count = beat_count - 1;
      end

      // Answer.
      if (!bvalid || bready) begin
        bvalid <= 0;
        if (answer_count != 0 && act(stalls)) begin
          bvalid <= 1;
          bid <= answer_id[answer_first];
          bresp <= answer_response[answer_first];
          answer_first = (answer_first + 1) % QUEUE;
          answer_count = answer_count - 1;
        end
      end

      // Read a beat. It is on offer in the next cycle.
      if (!rvalid || rready) begin
        rvalid <= 0;
        if (read_count != 0 && now + 1 >= read_due[read_first] && act(stalls)) begin
          word = read_address[read_first] / DATA_BYTES + read_done;
          rvalid <= 1;
          rid <= read_id[read_first];
          rdata <= word < WORDS ? memory[word] : 0;
          rresp <= response(word);
          rlast <= read_done == read_length[read_first];
          beats_read <= beats_read + 1;
          read_done = read_done + 1;
          if (read_done > read_length[read_first]) begin
            read_done = 0;
            read_first = (read_first + 1) % QUEUE;
            read_count = read_count - 1;
          end
        end
      end

      arready <= read_count < QUEUE && act(stalls);
      awready <= write_count < QUEUE && act(stalls) && (order != 2 || w_waits || owed < 0);
      wready <= beat_count < QUEUE && act(stalls) && (order != 1 || owed > 0);

      if (flush && !flushed) begin
        file = $fopen(FINAL, "wb");
        for (i = 0; i < SIZE; i = i + 1)
          $fwrite(file, "%c", memory[i/DATA_BYTES][8*(i%DATA_BYTES)+:8]);
        $fclose(file);
      end
      flushed = flush;
      if (reload && !reloaded) load;
      reloaded = reload;
    end
  end
endmodule
