using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Compares a text with the file <c>Class.Method.verified.txt</c> beside the test; <c>UPDATE_SNAPSHOTS=1</c> writes it.</summary>
/// <remarks>
/// GUIDs and moments become Guid_1, Time_1 … in the order they are first seen, so that equal values stay equal; nothing else is replaced.
/// A suite that runs over several stores compares each with one file: the class in the name is the one the test is written in.
/// </remarks>
internal static partial class Snapshot
{
    public static void Match(string actual, [CallerFilePath] string file = "", [CallerMemberName] string member = "")
    {
        var text = Scrub(actual).ReplaceLineEndings("\n").TrimEnd() + "\n";
        var verified = Path.Combine(Path.GetDirectoryName(file)!, $"{Path.GetFileNameWithoutExtension(file)}.{member}.verified.txt");
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            File.WriteAllText(verified, text);
        }

        var expected = File.Exists(verified) ? File.ReadAllText(verified).ReplaceLineEndings("\n") : "(no verified file: run with UPDATE_SNAPSHOTS=1)";
        Assert.Equal(expected, text);
    }

    private static string Scrub(string text)
    {
        Dictionary<string, string> seen = [];
        return Volatile().Replace(text, match =>
        {
            if (seen.TryGetValue(match.Value, out var name))
            {
                return name;
            }

            var kind = match.Groups["guid"].Success ? "Guid" : "Time";
            var number = seen.Values.Count(known => known.StartsWith(kind, StringComparison.Ordinal)) + 1;
            return seen[match.Value] = kind + "_" + number.ToString(CultureInfo.InvariantCulture);
        });
    }

    [GeneratedRegex(
        @"(?<guid>\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b)|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?",
        RegexOptions.IgnoreCase)]
    private static partial Regex Volatile();
}
