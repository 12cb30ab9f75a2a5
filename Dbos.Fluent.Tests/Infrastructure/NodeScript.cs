namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>A script of the folder <c>Interop</c>, run by node: one line of answer for each line given.</summary>
internal static class NodeScript
{
    // A hundred thousand questions take another language its time on a busy machine.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>Runs the script; skips the test where node or its packages are missing, and fails it under CI.</summary>
    public static async Task<IReadOnlyList<string>> AnswersAsync(string script, IReadOnlyCollection<string> lines)
    {
        using var node = Node.Start(script);
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
}
