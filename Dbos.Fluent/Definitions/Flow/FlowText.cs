namespace Dbos.Fluent.Definitions;

/// <summary>Makes short texts for people from the expressions that the compiler passes on.</summary>
internal static class FlowText
{
    private const int LengthMax = 80;

    /// <summary>The expression on one line, without the <c>x =></c> before it, cut if it is too long.</summary>
    public static string Title(string? expression, string otherwise)
    {
        if (string.IsNullOrWhiteSpace(expression))
        {
            return otherwise;
        }

        var line = string.Join(' ', expression.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        var arrow = line.IndexOf("=>", StringComparison.Ordinal);
        if (arrow >= 0 && line.AsSpan(0, arrow).Trim().ContainsAny(" (,.") is false)
        {
            line = line[(arrow + 2)..].TrimStart();
        }

        return line.Length <= LengthMax ? line : Cut(line);
    }

    // A cut between the halves of a surrogate pair would leave invalid text.
    private static string Cut(string line) => line[..(char.IsHighSurrogate(line[LengthMax - 2]) ? LengthMax - 2 : LengthMax - 1)] + "…";
}
