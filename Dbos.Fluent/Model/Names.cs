using System.Security.Cryptography;
using System.Text;

namespace Dbos.Fluent.Model;

/// <summary>Checks names and ids once, at the public API; internal code trusts them.</summary>
internal static class Names
{
    public const int LengthMax = 255;

    /// <summary>Checks an id (of a workflow, an executor, a message) and returns it.</summary>
    public static string CheckId(string value, string parameter) => Check(value, parameter, "An id");

    /// <summary>Checks a name (of a workflow, a topic, a key, a queue) and returns it.</summary>
    public static string CheckName(string value, string parameter) => Check(value, parameter, "A name or key");

    /// <summary>Shortens an id that is too long, always to the same text: its beginning and a digest of the whole id.</summary>
    public static string Shortened(string id)
    {
        if (id.Length <= LengthMax)
        {
            return id;
        }

        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))[..32];
        var kept = LengthMax - digest.Length - 1;

        // Half of a surrogate pair is not valid text.
        return $"{id[..(char.IsHighSurrogate(id[kept - 1]) ? kept - 1 : kept)]}-{digest}";
    }

    /// <summary>Checks the name of a user's step and returns it.</summary>
    public static string CheckStepName(string value, string parameter)
    {
        Check(value, parameter, "The name of a step");
        return BuiltInNames.PrefixOf(value) is { } prefix
            ? throw new ArgumentException(
                $"'{value}' starts with '{prefix}', which is kept for built-in steps: choose another name.", parameter)
            : value;
    }

    private static string Check(string value, string parameter, string kind)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value, parameter);
        if (value.Length > LengthMax)
        {
            throw new ArgumentException(
                $"{kind} has at most {LengthMax} characters, and this one has {value.Length}: shorten it, or use a hash of it.", parameter);
        }

        foreach (var rune in value.EnumerateRunes())
        {
            if (Rune.IsControl(rune))
            {
                throw new ArgumentException(
                    $"{kind} holds no control characters, and this one holds U+{rune.Value:X4}: remove it.", parameter);
            }
        }

        return IsWellFormed(value)
            ? value
            : throw new ArgumentException(
                $"{kind} is valid Unicode, and this one holds half of a surrogate pair, which no database stores: cut texts between "
                + "characters.",
                parameter);
    }

    // Enumeration turns half a pair into the replacement character, which a valid text may also contain.
    private static bool IsWellFormed(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (char.IsSurrogate(value[i]) && !(i + 1 < value.Length && char.IsSurrogatePair(value[i], value[++i])))
            {
                return false;
            }
        }

        return true;
    }
}
