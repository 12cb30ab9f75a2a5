using System.Reflection;
using System.Reflection.Emit;
using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Tests.Definitions.Fingerprints;

public sealed class IlReaderTests
{
    [Fact]
    public void Sizes_and_kinds_are_those_of_the_framework()
    {
        var codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (OpCode)field.GetValue(null)!);
        foreach (var code in codes.Where(code => code.OpCodeType != OpCodeType.Nternal))
        {
            byte[] operation = code.Size == 1 ? [(byte)code.Value] : [IlReader.Prefix, (byte)code.Value];
            var il = new IlReader([.. operation, .. new byte[Size(code)]]);

            Assert.True(il.Next(), code.Name);
            Assert.Equal((ushort)code.Value, il.Code);
            Assert.Equal(Size(code), il.Operand.Length);
            Assert.Equal(Kind(code), il.Kind);
            Assert.False(il.Next(), code.Name);
        }
    }

    [Fact]
    public void A_table_of_jumps_is_one_operand()
    {
        var il = new IlReader([0x45, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0x2A]);

        Assert.True(il.Next());
        Assert.Equal(12, il.Operand.Length);
        Assert.True(il.Next());
        Assert.Equal(0x2A, il.Code);
        Assert.False(il.Next());
    }

    [Theory]
    [InlineData(new byte[] { 0x24 })]
    [InlineData(new byte[] { 0xFE })]
    [InlineData(new byte[] { 0xFE, 0x08 })]
    [InlineData(new byte[] { 0xFE, 0xFF })]
    [InlineData(new byte[] { 0x28, 1, 2, 3 })]
    [InlineData(new byte[] { 0x45 })]
    [InlineData(new byte[] { 0x45, 0xFF, 0xFF, 0xFF, 0x00 })]
    [InlineData(new byte[] { 0x45, 0x00, 0x00, 0x00, 0xF0 })]
    public void Bytes_that_are_no_IL_are_refused(byte[] bytes) => Assert.Throws<BadImageFormatException>(() =>
    {
        var il = new IlReader(bytes);
        il.Next();
    });

    private static int Size(OpCode code) => code.OperandType switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    private static IlOperand Kind(OpCode code) => code.OperandType switch
    {
        OperandType.InlineString => IlOperand.Text,
        OperandType.InlineSig => IlOperand.Signature,
        OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType => IlOperand.Member,
        _ => IlOperand.Literal,
    };
}
