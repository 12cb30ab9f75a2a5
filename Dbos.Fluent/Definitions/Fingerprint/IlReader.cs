using System.Buffers.Binary;

namespace Dbos.Fluent.Definitions;

/// <summary>What stands behind an operation of IL.</summary>
internal enum IlOperand
{
    /// <summary>Nothing, or bytes that mean themselves: a number, a variable, a distance to jump.</summary>
    Literal,

    /// <summary>A token of a text.</summary>
    Text,

    /// <summary>A token of a type, a field or a method.</summary>
    Member,

    /// <summary>A token of a bare signature, which has no name; the operation itself still counts.</summary>
    Signature,
}

/// <summary>Takes a method's IL apart, operation by operation.</summary>
/// <remarks>
/// The sizes are ECMA-335's, written down here because the framework's own table is made by reflection, which would take a noticeable part
/// of a launch. A test holds them to that table.
/// </remarks>
internal ref struct IlReader(ReadOnlySpan<byte> il)
{
    /// <summary>Begins the operations of two bytes.</summary>
    public const byte Prefix = 0xFE;

    // A digit is the operand's length; T, M and G are tokens, S is a table of jumps, a blank is no operation.
    private const string OneByte =
        "000000000000001111110000000000014848 00MMG0111111111111144444444" +
        "44444S00000000000000000000000000000000000000000MMMTMMM0  M0MMMMM" +
        "MM0000000000MM0M0000000000000000000MMM             00000000     " +
        "  M0  M         M0000000000004100                               ";

    private const string TwoBytes = "000000MM 2222220 0100MM00 0 M00";

    private readonly ReadOnlySpan<byte> il = il;
    private int at;

    /// <summary>The operation; one of two bytes has the first in its high byte.</summary>
    public int Code { get; private set; }

    public IlOperand Kind { get; private set; }

    public ReadOnlySpan<byte> Operand { get; private set; }

    public readonly int Token => BinaryPrimitives.ReadInt32LittleEndian(Operand);

    /// <summary>Goes to the next operation; false at the end.</summary>
    /// <exception cref="BadImageFormatException">The bytes are no IL.</exception>
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
