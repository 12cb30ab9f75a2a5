using System.Diagnostics;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>A script of the folder <c>Interop</c>, run by node: one line of answer for each line given.</summary>
internal static class NodeScript
{
    // A hundred thousand questions take another language its time on a busy machine.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private const string Missing = "Needs node, and `npm ci` in Dbos.Fluent.Tests/Interop.";

    private static readonly string Folder = Path.Combine(SourceTree.Root, "Dbos.Fluent.Tests", "Interop");

    /// <summary>Runs the script; skips the test where node or its packages are missing, and fails it under CI.</summary>
    public static async Task<IReadOnlyList<string>> AnswersAsync(string script, IReadOnlyCollection<string> lines)
    {
        if (!Directory.Exists(Path.Combine(Folder, "node_modules")) || TryStart(script) is not { } started)
        {
            Assert.False(string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase), Missing);
            Assert.Skip(Missing);
            return [];
        }

        using var node = started;
        try
        {
            var output = node.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var errors = node.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await node.StandardInput.WriteAsync(string.Join('\n', lines) + "\n").Within(Limit);
            node.StandardInput.Close();
            var answers = (await output.Within(Limit)).TrimEnd('\n').Split('\n');
            Assert.Equal("", await errors.Within(Bounded.Limit));
            Assert.Equal(lines.Count, answers.Length);
            return answers;
        }
        finally
        {
            node.Kill();
        }
    }

    private static Process? TryStart(string script)
    {
        var start = new ProcessStartInfo("node")
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(script);
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
