using System.Diagnostics;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Node.js, as it runs the programs of the folder <c>Interop</c>, and the one rule for where it is missing.</summary>
internal static class Node
{
    private const string Missing = "Needs node, and `npm ci` in Dbos.Fluent.Tests/Interop.";

    private static readonly string Folder = Path.Combine(SourceTree.Root, "Dbos.Fluent.Tests", "Interop");

    /// <summary>Starts a program; skips the test where node or its packages are missing, and fails it under CI.</summary>
    public static Process Start(string program, IReadOnlyDictionary<string, string>? environment = null, params string[] arguments)
    {
        if (Directory.Exists(Path.Combine(Folder, "node_modules")) && TryStart([program, .. arguments], environment) is { } started)
        {
            return started;
        }

        Assert.False(string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase), Missing);
        Assert.Skip(Missing);
        throw new UnreachableException();
    }

    private static Process? TryStart(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo("node")
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        try
        {
            return Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
