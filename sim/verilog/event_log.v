// Lists the cycles in which something happens: a line each with the cycle, of those with `running`
// alone; the events in hexadecimal; the beats so far; and for each bit of `counting`, the lowest
// first, the cycles so far in which it was set.
module event_log #(
    parameter WIDTH = 8,
    parameter COUNTERS = 4,
    parameter FILE = "events.txt"
) (
    input wire clk,
    input wire rst,
    input wire running,
    input wire [WIDTH-1:0] events,
    input wire [63:0] beats_read,
    input wire [63:0] beats_written,
    input wire [COUNTERS-1:0] counting
);
  integer file, i;
  reg [63:0] cycle;
  reg [63:0] counts[0:COUNTERS-1];

  initial begin
    file = $fopen(FILE, "w");
    cycle = 0;
    for (i = 0; i < COUNTERS; i = i + 1) counts[i] = 0;
  end

  always @(posedge clk) begin
    if (rst) begin
      cycle <= 0;
      for (i = 0; i < COUNTERS; i = i + 1) counts[i] <= 0;
    end else begin
      if (running) begin
        cycle <= cycle + 1;
        for (i = 0; i < COUNTERS; i = i + 1) counts[i] <= counts[i] + counting[i];
      end
      if (events != 0) begin
        $fwrite(file, "%0d %h %0d %0d", cycle, events, beats_read, beats_written);
        for (i = 0; i < COUNTERS; i = i + 1) $fwrite(file, " %0d", counts[i]);
        $fwrite(file, "\n");
        $fflush(file);
      end
    end
  end
endmodule
