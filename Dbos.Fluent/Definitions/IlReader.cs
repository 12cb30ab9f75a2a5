using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;

namespace Dbos.Fluent.Definitions;

/// <summary>What stands behind an operation code.</summary>
internal enum IlOperand
{
    None,

    /// <summary>Bytes that mean themselves: a number, a variable, a distance to jump.</summary>
    Literal,

    /// <summary>A token of a text.</summary>
    Text,

    /// <summary>A token of a type, a field or a method.</summary>
    Member,
}

/// <summary>One instruction of a method.</summary>
internal readonly record struct IlInstruction(OpCode OpCode, IlOperand Kind, int Token, ReadOnlyMemory<byte> Literal);

/// <summary>Takes a method's IL apart into instructions.</summary>
internal static class IlReader
{
    private const int TwoByteCodes = 0xFE;

    private static readonly Dictionary<int, OpCode> Codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => (int)(ushort)code.Value);

    public static IEnumerable<IlInstruction> Read(byte[] il)
    {
        for (var at = 0; at < il.Length;)
        {
            var value = il[at] == TwoByteCodes && at + 1 < il.Length ? (TwoByteCodes << 8) | il[at + 1] : il[at];
            if (!Codes.TryGetValue(value, out var code))
            {
                throw new BadImageFormatException($"There is no operation {value:x}.");
            }

            at += code.Size;
            var size = SizeOfOperand(code, il.AsSpan(at));
            yield return Instruction(code, il.AsMemory(at, size));
            at += size;
        }
    }

    private static IlInstruction Instruction(OpCode code, ReadOnlyMemory<byte> operand) => code.OperandType switch
    {
        OperandType.InlineNone => new(code, IlOperand.None, 0, default),
        OperandType.InlineString => new(code, IlOperand.Text, BinaryPrimitives.ReadInt32LittleEndian(operand.Span), default),
        OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType =>
            new(code, IlOperand.Member, BinaryPrimitives.ReadInt32LittleEndian(operand.Span), default),
        // The token of a call through a pointer names a bare signature, which nothing here resolves; the call itself still counts.
        OperandType.InlineSig => new(code, IlOperand.None, 0, default),
        _ => new(code, IlOperand.Literal, 0, operand),
    };

    private static int SizeOfOperand(OpCode code, ReadOnlySpan<byte> rest) => code.OperandType switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => sizeof(int) + (sizeof(int) * BinaryPrimitives.ReadInt32LittleEndian(rest)),
        _ => 4,
    };
}
