using System.Runtime.CompilerServices;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>The repository's source files, as the tests of its shape read them.</summary>
internal static class SourceTree
{
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<SourceFile> Library { get; } = Read("Dbos.Fluent");

    public static IReadOnlyList<SourceFile> Tests { get; } = Read("Dbos.Fluent.Tests");

    public static IReadOnlyList<SourceFile> All { get; } =
        [.. Library, .. Tests, .. Read("Dbos.Fluent.Tests.Worker"), .. Read("Dbos.Fluent.Samples"), .. Read("Dbos.Fluent.Benchmarks")];

    private static string FindRoot([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", ".."));

    private static List<SourceFile> Read(string project)
    {
        var folder = Path.Combine(Root, project);
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))
                .Where(path => !path.StartsWith("bin/", StringComparison.Ordinal) && !path.StartsWith("obj/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(path => new SourceFile(project, path, File.ReadAllText(Path.Combine(folder, path))))]
            : [];
    }
}

/// <summary>One source file.</summary>
/// <param name="Project">The folder of its project.</param>
/// <param name="Path">Its path in that folder, with forward slashes.</param>
/// <param name="Text">What it says.</param>
internal sealed record SourceFile(string Project, string Path, string Text)
{
    private readonly Lazy<CSharpText> code = new(() => CSharpText.Read(Text));

    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>The folders above it, such as <c>Storage/Postgres</c>; empty at the project's root.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(Path)!.Replace('\\', '/');

    /// <summary>The text without comments and without what stands in strings; lines and columns are as in the text.</summary>
    public string Code => code.Value.Code;

    /// <summary>What stands in its strings.</summary>
    public IReadOnlyList<string> Strings => code.Value.Strings;

    /// <summary>Numbers, from 1, of the lines that are part of a raw string.</summary>
    public IReadOnlySet<int> RawStringLines => code.Value.RawStringLines;

    public string[] Lines => Text.Split('\n');

    public override string ToString() => $"{Project}/{Path}";
}
