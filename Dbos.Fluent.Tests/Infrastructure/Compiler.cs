using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>The C# compiler that builds these tests, for tests about what it makes of a text.</summary>
/// <remarks>It is part of the SDK that runs the tests: no package is needed, and nothing is restored.</remarks>
internal sealed class Compiler(TempFolder folder)
{
    private const string NotHere = "The .NET SDK has no C# compiler where it is expected.";

    private static readonly string Program = Find();

    // Everything that the tests themselves may use, the library included.
    private static readonly string[] References =
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);

    /// <summary>Compiles a text into an assembly that differs from any made before, if only by its identity.</summary>
    /// <param name="name">Names the assembly.</param>
    /// <param name="build">Tells apart what is compiled under one name.</param>
    /// <param name="references">Assemblies that it refers to beside those of the tests.</param>
    /// <param name="texts">Source files, in this order.</param>
    /// <returns>The path of the assembly.</returns>
    public async Task<string> CompileAsync(string name, string build, string[] references, params string[] texts)
    {
        var place = Directory.CreateDirectory(folder[$"{name} {build}"]).FullName;
        var made = Path.Combine(place, name + ".dll");
        var sources = texts.Index().Select(text => Path.Combine(place, $"{text.Index}.cs")).ToList();
        foreach (var (source, text) in sources.Zip(texts))
        {
            await File.WriteAllTextAsync(source, text, TestContext.Current.CancellationToken);
        }

        var arguments = Path.Combine(place, "arguments.rsp");
        string[] all =
        [
            "-nologo", "-noconfig", "-nostdlib", "-target:library", "-optimize+", "-deterministic-", "-nullable:enable", $"-out:\"{made}\"",
            .. References.Concat(references).Select(reference => $"-reference:\"{reference}\""),
            .. sources.Select(source => $"\"{source}\""),
        ];
        await File.WriteAllLinesAsync(arguments, all, TestContext.Current.CancellationToken);
        await RunAsync(arguments);
        return made;
    }

    private static async Task RunAsync(string arguments)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { "exec", Program, "@" + arguments },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException(NotHere);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().Within(TimeSpan.FromMinutes(2), "the compiler ends");
            Assert.True(process.ExitCode == 0, await output + await errors);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    private static string Find()
    {
        var root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        return Directory.EnumerateDirectories(Path.Combine(root, "sdk"))
            .Select(sdk => Path.Combine(sdk, "Roslyn", "bincore", "csc.dll"))
            .Where(File.Exists)
            .Order(StringComparer.Ordinal)
            .LastOrDefault() ?? throw new InvalidOperationException(NotHere);
    }
}
