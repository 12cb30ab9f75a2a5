using System.Text.Json;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>The command line of DBOS, as <c>npx dbos</c> runs it, on one database.</summary>
internal sealed class DbosCommand(string connectionString)
{
    private const string Program = "node_modules/@dbos-inc/dbos-sdk/dist/src/cli/cli.js";

    /// <summary>Runs <c>dbos workflow</c> with these arguments; what it prints is JSON, or nothing.</summary>
    public async Task<JsonElement> WorkflowAsync(params string[] arguments)
    {
        using var node = Node.Start(
            ["--no-deprecation", Program, "workflow", .. arguments, "--sys-db-url", SdkProgram.UrlOf(connectionString)]);
        node.StandardInput.Close();
        var (output, errors) = (node.StandardOutput.ReadToEndAsync(), node.StandardError.ReadToEndAsync());
        try
        {
            await node.WaitForExitAsync().Within(Bounded.Limit, $"dbos workflow {string.Join(' ', arguments)}");
        }
        finally
        {
            node.Kill();
        }

        var printed = await output.Within(Bounded.Limit);
        Assert.Equal((0, ""), (node.ExitCode, await errors.Within(Bounded.Limit)));
        return printed.Length == 0 ? default : JsonElement.Parse(printed);
    }
}
