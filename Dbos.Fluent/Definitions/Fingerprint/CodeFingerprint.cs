using System.Security.Cryptography;
using System.Text;

namespace Dbos.Fluent.Definitions;

/// <summary>Turns the text of a workflow's own code into its fingerprint.</summary>
internal static class CodeFingerprint
{
    private const int Bytes = 16;

    /// <summary>The fingerprint of what the action writes; empty if some of the code cannot be read.</summary>
    /// <remarks>
    /// Ahead-of-time compilation keeps no IL, dynamic methods expose none, and an assembly that the code refers to may be missing. None of
    /// these is an error of the definition: the fingerprint is then unknown.
    /// </remarks>
    public static string Of(Action<CodeText> write)
    {
        try
        {
            var code = new CodeText();
            write(code);
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(code.ToString())).AsSpan(0, Bytes));
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidOperationException or ArgumentException
            or TypeLoadException or MemberAccessException or BadImageFormatException or IOException or FormatException)
        {
            return "";
        }
    }
}
