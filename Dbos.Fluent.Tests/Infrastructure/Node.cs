using System.Diagnostics;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>Node.js, as it runs the programs of the folder <c>Interop</c>, and the one rule for where it is missing.</summary>
internal static class Node
{
    private const string Missing = "Needs node, and `npm ci` in Dbos.Fluent.Tests/Interop.";

    private static readonly string Folder = Path.Combine(SourceTree.Root, "Dbos.Fluent.Tests", "Interop");

    /// <summary>Starts a program; skips the test where node or its packages are missing, and fails it under CI.</summary>
    public static Process Start(params string[] arguments) => Start(new Dictionary<string, string>(), arguments);

    /// <summary>The same with variables of its own in its environment.</summary>
    public static Process Start(IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        if (Directory.Exists(Path.Combine(Folder, "node_modules")) && TryStart(environment, arguments) is { } started)
        {
            return started;
        }

        Assert.False(string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase), Missing);
        Assert.Skip(Missing);
        throw new UnreachableException();
    }

    private static Process? TryStart(IReadOnlyDictionary<string, string> environment, IReadOnlyList<string> arguments)
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

        foreach (var (name, value) in environment)
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
