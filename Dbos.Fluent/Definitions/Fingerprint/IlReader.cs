using System.Buffers.Binary;

namespace Dbos.Fluent.Definitions;

/// <summary>The kind of operand of an IL operation.</summary>
internal enum IlOperand
{
    /// <summary>No operand, or a literal one: a number, a variable, a jump distance.</summary>
    Literal,

    /// <summary>A token of a text.</summary>
    Text,

    /// <summary>A token of a type, a field or a method.</summary>
    Member,

    /// <summary>A token of a bare signature, which has no name; the operation still counts.</summary>
    Signature,
}

/// <summary>Reads a method's IL, operation by operation.</summary>
/// <remarks>
/// The sizes are those of ECMA-335. They are hard-coded because the framework builds its own table by reflection, which would take a
/// noticeable part of a launch. A test compares them with that table.
/// </remarks>
internal ref struct IlReader(ReadOnlySpan<byte> il)
{
    /// <summary>The first byte of two-byte operations.</summary>
    public const byte Prefix = 0xFE;

    // A digit is the operand's length; T, M and G are tokens, S is a jump table, a blank is no operation.
    private const string OneByte =
        "000000000000001111110000000000014848 00MMG0111111111111144444444" +
        "44444S00000000000000000000000000000000000000000MMMTMMM0  M0MMMMM" +
        "MM0000000000MM0M0000000000000000000MMM             00000000     " +
        "  M0  M         M0000000000004100                               ";

    private const string TwoBytes = "000000MM 2222220 0100MM00 0 M00";

    private readonly ReadOnlySpan<byte> il = il;
    private int at;

    /// <summary>The operation code; a two-byte code has its first byte in the high byte.</summary>
    public int Code { get; private set; }

    public IlOperand Kind { get; private set; }

    public ReadOnlySpan<byte> Operand { get; private set; }

    public readonly int Token => BinaryPrimitives.ReadInt32LittleEndian(Operand);

    /// <summary>Moves to the next operation; false at the end.</summary>
    /// <exception cref="BadImageFormatException">The bytes are not valid IL.</exception>
    public bool Next()
    {
        if (at == il.Length)
        {
            return false;
        }

        Code = il[at++];
        var kind = OneByte[Code];
        if (Code == Prefix && at < il.Length)
        {
            kind = il[at] < TwoBytes.Length ? TwoBytes[il[at]] : ' ';
            Code = (Prefix << 8) | il[at++];
        }

        var length = Length(kind);
        if (length < 0 || length > il.Length - at)
        {
            throw new BadImageFormatException($"There is no operation {Code:x} here.");
        }

        Kind = kind switch { 'T' => IlOperand.Text, 'M' => IlOperand.Member, 'G' => IlOperand.Signature, _ => IlOperand.Literal };
        Operand = il.Slice(at, length);
        at += length;
        return true;
    }

    private readonly int Length(char kind) => kind switch
    {
        ' ' => -1,
        'T' or 'M' or 'G' => sizeof(int),
        'S' when il.Length - at >= sizeof(int) => checked(sizeof(int) * (1 + BinaryPrimitives.ReadInt32LittleEndian(il[at..]))),
        'S' => -1,
        _ => kind - '0',
    };
}
