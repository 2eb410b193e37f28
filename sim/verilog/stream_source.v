// Drives a stream from a binary file of fixed-size records, most significant byte first.
//
// With probability `stalls` / 65536 a record is held back for a cycle, again and again, so that
// `valid` comes at random moments; once up it stays up until the transfer. With LOOP set the file
// starts over when it ends.
module stream_source #(
    parameter WIDTH = 8,
    parameter BYTES = 1,
    parameter LOOP = 0,
    parameter [31:0] SALT = 1,
    parameter FILE = "stream.bin"
) (
    input wire clk,
    input wire rst,
    input wire [31:0] seed,
    input wire [16:0] stalls,
    input wire ready,
    output reg valid,
    output reg [WIDTH-1:0] payload
);
  reg [8*BYTES-1:0] record;
  reg loaded;
  reg [31:0] random;
  integer file, count;

  task fetch;
    begin
      count = $fread(record, file);
      if (count != BYTES && LOOP != 0) begin
        count = $rewind(file);
        count = $fread(record, file);
      end
      loaded = count == BYTES;
    end
  endtask

  // Marsaglia's xorshift32.
  task draw;
    begin
      random = random ^ (random << 13);
      random = random ^ (random >> 17);
      random = random ^ (random << 5);
    end
  endtask

  initial begin
    valid = 0;
    loaded = 0;
    file = $fopen(FILE, "rb");
  end

  always @(posedge clk) begin
    if (rst) begin
      valid <= 0;
      random = (seed ^ (SALT * 32'h9E3779B9)) | 32'h1;
      if (!loaded && file != 0) fetch;
    end else begin
      if (stalls != 0) draw;
      if (!valid || ready) begin
        valid <= 0;
        if (loaded && (stalls == 0 || {1'b0, random[23:8]} >= stalls)) begin
          valid <= 1;
          payload <= record[WIDTH-1:0];
          fetch;
        end
      end
    end
  end
endmodule
