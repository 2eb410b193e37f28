// Cells of the ECP5 that Yosys has no simulation model of, as far as it and `boards` use them.
// Whatever they are not made for ends the simulation.

`default_nettype none

// Block RAM (Lattice FPGA-TN-02204). Ports of 18 bits, with enables of 9 bits in address bits 0
// and 1, or a write port A and a read port B of 36 bits, with enables in address bits 0 to 3; DIA
// and DOA are then the lower half, DIB and DOB the upper. A word comes with the clock, and a clock
// later through the register. A word that both ports want in a cycle in which one writes it is
// unknown to the other.
module DP16KD (
    input wire
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
    DIA3, DIA2, DIA1, DIA0,
    ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
    CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4,
    DIB3, DIB2, DIB1, DIB0,
    ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
    CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
    output wire
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4,
    DOA3, DOA2, DOA1, DOA0,
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4,
    DOB3, DOB2, DOB1, DOB0
);
    parameter DATA_WIDTH_A = 18;
    parameter DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG";
    parameter REGMODE_B = "NOREG";
    parameter WRITEMODE_A = "NORMAL";
    parameter WRITEMODE_B = "NORMAL";
    parameter CSDECODE_A = "0b000";
    parameter CSDECODE_B = "0b000";
    parameter RESETMODE = "SYNC";
    parameter ASYNC_RESET_RELEASE = "SYNC";
    parameter CLKAMUX = "CLKA";
    parameter CLKBMUX = "CLKB";
    parameter GSR = "ENABLED";
    // What it begins with, words of 18 bits from the first on; `boards.netlist` puts it together.
    parameter [18*1024-1:0] CONTENTS = {18*1024{1'b0}};

    localparam WIDE = DATA_WIDTH_A == 36;
    localparam WORDS = 1024;

    wire [17:0] data_a = {
        DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5,
        DIA4, DIA3, DIA2, DIA1, DIA0
    };
    wire [17:0] data_b = {
        DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5,
        DIB4, DIB3, DIB2, DIB1, DIB0
    };
    wire [13:0] address_a = {
        ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
    };
    wire [13:0] address_b = {
        ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0
    };

    reg [17:0] words [0:WORDS-1];
    reg [17:0] read_a = 18'd0, read_b = 18'd0, kept_a = 18'd0, kept_b = 18'd0;

    // Words of 18 bits; of 36, the lower half.
    wire [9:0] word_a = WIDE ? {address_a[13:5], 1'b0} : address_a[13:4];
    wire [9:0] word_b = WIDE ? {address_b[13:5], 1'b0} : address_b[13:4];
    wire write_a = CEA & WEA & |(WIDE ? address_a[3:0] : {2'b00, address_a[1:0]});
    wire write_b = CEB & WEB & |address_b[1:0];
    wire meet = (word_a == word_b);

    integer k;
    initial begin
        for (k = 0; k < WORDS; k = k + 1) words[k] = CONTENTS[18*k +: 18];
        if (DATA_WIDTH_A != DATA_WIDTH_B || (DATA_WIDTH_A != 18 && DATA_WIDTH_A != 36)
            || CSDECODE_A != "0b000" || CSDECODE_B != "0b000"
            || CLKAMUX != "CLKA" || CLKBMUX != "CLKB"
            || (WRITEMODE_A != "NORMAL" && WRITEMODE_A != "READBEFOREWRITE")
            || (WRITEMODE_B != "NORMAL" && WRITEMODE_B != "READBEFOREWRITE")) begin
            $display("%m: no model of this block RAM");
            $finish;
        end
    end

    // What is unknown, or not modelled, must not pass for inactive.
    always @(posedge CLKA or posedge CLKB)
        if (CLKA !== CLKB || {CSA2, CSA1, CSA0, CSB2, CSB1, CSB0, RSTA, RSTB} !== 8'd0
            || ^{CEA, write_a, CEB, write_b, OCEA, OCEB} === 1'bx || (WIDE && WEB !== 1'b0)) begin
            $display("%m: no model of what this block RAM does: CEA %b, writes %b %b, CEB %b",
                CEA, write_a, write_b, CEB);
            $finish;
        end

    always @(posedge CLKA) begin
        if (CEA && !(WEA && WRITEMODE_A == "NORMAL") && !WIDE)
            read_a <= (write_b && meet) ? 18'bx : words[word_a];
        if (CEB && !(WEB && WRITEMODE_B == "NORMAL")) begin
            read_b <= (write_a && meet) ? 18'bx : words[WIDE ? word_b | 10'd1 : word_b];
            if (WIDE) read_a <= (write_a && meet) ? 18'bx : words[word_b];
        end
        if (write_a) begin
            if (address_a[0]) words[word_a][8:0] <= data_a[8:0];
            if (address_a[1]) words[word_a][17:9] <= data_a[17:9];
            if (WIDE && address_a[2]) words[word_a | 10'd1][8:0] <= data_b[8:0];
            if (WIDE && address_a[3]) words[word_a | 10'd1][17:9] <= data_b[17:9];
        end
        if (write_b && !WIDE) begin
            if (address_b[0]) words[word_b][8:0] <= data_b[8:0];
            if (address_b[1]) words[word_b][17:9] <= data_b[17:9];
            if (write_a && meet) words[word_b] <= 18'bx;
        end
        if (OCEA) kept_a <= read_a;
        if (OCEB) kept_b <= read_b;
    end

    assign {
        DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
        DOA4, DOA3, DOA2, DOA1, DOA0
    } =
        REGMODE_A == "OUTREG" ? kept_a : read_a;
    assign {
        DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
        DOB4, DOB3, DOB2, DOB1, DOB0
    } =
        REGMODE_B == "OUTREG" ? kept_b : read_b;
endmodule

// Multiplier (Lattice FPGA-TN-02205) with registers of both operands and of the product, or
// without, all on CLK0 with one enable and, for each, a synchronous reset.
module MULT18X18D (
    input wire
    A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
    SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    CLK3, CLK2, CLK1, CLK0, CE3, CE2, CE1, CE0, RST3, RST2, RST1, RST0,
    output wire
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
    P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
    parameter REG_INPUTA_CLK = "NONE";
    parameter REG_INPUTA_CE = "CE0";
    parameter REG_INPUTA_RST = "RST0";
    parameter REG_INPUTB_CLK = "NONE";
    parameter REG_INPUTB_CE = "CE0";
    parameter REG_INPUTB_RST = "RST0";
    parameter REG_OUTPUT_CLK = "NONE";
    parameter REG_OUTPUT_CE = "CE0";
    parameter REG_OUTPUT_RST = "RST0";
    parameter REG_PIPELINE_CLK = "NONE";
    parameter CLK0_DIV = "ENABLED";
    parameter RESETMODE = "SYNC";
    parameter GSR = "ENABLED";

    localparam STAGE_A = REG_INPUTA_CLK == "CLK0";
    localparam STAGE_B = REG_INPUTB_CLK == "CLK0";
    localparam STAGE_P = REG_OUTPUT_CLK == "CLK0";

    wire [17:0] a = {
        A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0
    };
    wire [17:0] b = {
        B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0
    };
    reg [17:0] kept_a = 18'd0, kept_b = 18'd0;
    reg [35:0] kept = 36'd0;

    initial
        if ((!STAGE_A && REG_INPUTA_CLK != "NONE") || (!STAGE_B && REG_INPUTB_CLK != "NONE")
            || (!STAGE_P && REG_OUTPUT_CLK != "NONE") || REG_PIPELINE_CLK != "NONE"
            || REG_INPUTA_CE != "CE0" || REG_INPUTB_CE != "CE0" || REG_OUTPUT_CE != "CE0"
            || RESETMODE != "SYNC") begin
            $display("%m: no model of this multiplier");
            $finish;
        end

    wire reset_a = REG_INPUTA_RST == "RST0" ? RST0 : REG_INPUTA_RST == "RST1" ? RST1
        : REG_INPUTA_RST == "RST2" ? RST2 : RST3;
    wire reset_b = REG_INPUTB_RST == "RST0" ? RST0 : REG_INPUTB_RST == "RST1" ? RST1
        : REG_INPUTB_RST == "RST2" ? RST2 : RST3;
    wire reset = REG_OUTPUT_RST == "RST0" ? RST0 : REG_OUTPUT_RST == "RST1" ? RST1
        : REG_OUTPUT_RST == "RST2" ? RST2 : RST3;

    wire [17:0] left = STAGE_A ? kept_a : a;
    wire [17:0] right = STAGE_B ? kept_b : b;
    // A sign bit before each operand makes both kinds one.
    wire signed [18:0] left_signed = {SIGNEDA & left[17], left};
    wire signed [18:0] right_signed = {SIGNEDB & right[17], right};
    wire signed [37:0] product = left_signed * right_signed;

    always @(posedge CLK0) begin
        if ({SOURCEA, SOURCEB} !== 2'b00) begin
            $display("%m: no model of this multiplier's cascades");
            $finish;
        end
        if (STAGE_A) if (reset_a) kept_a <= 18'd0; else if (CE0) kept_a <= a;
        if (STAGE_B) if (reset_b) kept_b <= 18'd0; else if (CE0) kept_b <= b;
        if (STAGE_P) if (reset) kept <= 36'd0; else if (CE0) kept <= product[35:0];
    end

    assign {
        P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
        P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
    } = STAGE_P ? kept : product[35:0];
endmodule

// Flip-flop of a slice (Lattice FPGA-TN-02032). SD tells where its datum comes from: the table beside
// it (DI) or the fabric (M), as text or, out of JSON, as a number.
module TRELLIS_FF (
    input wire CLK, LSR, CE, DI, M,
    output reg Q
);
    parameter GSR = "ENABLED";
    parameter [127:0] CEMUX = "1";
    parameter CLKMUX = "CLK";
    parameter LSRMUX = "LSR";
    parameter SRMODE = "LSR_OVER_CE";
    parameter REGSET = "RESET";
    parameter SD = "1";

    wire clock = (CLKMUX == "INV") ? ~CLK : CLK;
    wire reset = (LSRMUX == "INV") ? ~LSR : LSR;
    wire enable = (CEMUX == "CE") ? CE : (CEMUX == "INV") ? ~CE : (CEMUX == "1");
    wire datum = (SD == "0" || SD == 0) ? M : DI;
    wire at_reset = (REGSET == "SET");
    wire at_once = reset & (SRMODE == "ASYNC");

    initial Q = (REGSET == "SET");

    always @(posedge clock, posedge at_once)
        if (reset)
            Q <= at_reset;
        else if (enable)
            Q <= datum;
endmodule

`default_nettype wire
