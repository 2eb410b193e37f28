// Writes a stream to a text file, one hexadecimal word a line.
//
// With probability `stalls` / 65536 the sink is not ready in a cycle. `flush` writes out what the
// file buffers.
module stream_sink #(
    parameter WIDTH = 8,
    parameter [31:0] SALT = 1,
    parameter FILE = "stream.hex"
) (
    input wire clk,
    input wire rst,
    input wire [31:0] seed,
    input wire [16:0] stalls,
    input wire flush,
    input wire valid,
    input wire [WIDTH-1:0] payload,
    output reg ready,
    output reg [63:0] count
);
  reg [31:0] random;
  integer file;

  initial begin
    ready = 0;
    count = 0;
    file = $fopen(FILE, "w");
  end

  always @(posedge clk) begin
    if (rst) begin
      ready <= 0;
      count <= 0;
      random = (seed ^ (SALT * 32'h9E3779B9)) | 32'h1;
    end else begin
      random = random ^ (random << 13);
      random = random ^ (random >> 17);
      random = random ^ (random << 5);
      ready <= {1'b0, random[23:8]} >= stalls;
      if (valid && ready) begin
        $fwrite(file, "%h\n", payload);
        count <= count + 1;
      end
      if (flush) $fflush(file);
    end
  end
endmodule
