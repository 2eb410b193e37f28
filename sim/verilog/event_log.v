// Lists the cycles in which something happens: a line each with the cycle, of those with `running`
// alone, and the events in hexadecimal.
module event_log #(
    parameter WIDTH = 8,
    parameter FILE = "events.txt"
) (
    input wire clk,
    input wire rst,
    input wire running,
    input wire [WIDTH-1:0] events
);
  integer file;
  reg [63:0] cycle;

  initial begin
    file = $fopen(FILE, "w");
    cycle = 0;
  end

  always @(posedge clk) begin
    if (rst) cycle <= 0;
    else begin
      if (running) cycle <= cycle + 1;
      if (events != 0) begin
        $fwrite(file, "%0d %h\n", cycle, events);
        $fflush(file);
      end
    end
  end
endmodule
