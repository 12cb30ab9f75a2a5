using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Dbos.Fluent.Tests.Shape;

/// <summary>The built library, with what each of its methods uses and the folder each of its types was written in.</summary>
internal static partial class LibraryCode
{
    private const string Everyday = "Dbos.Fluent";

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    // Everyday public types share one namespace whatever their folder, so for them the source is asked.
    private static readonly Lazy<Dictionary<string, string>> FoldersOfEverydayTypes = new(() => (
        from file in SourceTree.Library
        where EverydayNamespace().IsMatch(file.Code)
        from Match declaration in TypeDeclaration().Matches(file.Code)
        group file.Folder by declaration.Groups["name"].Value)
        .ToDictionary(type => type.Key, type => type.Distinct().First()));

    public static Assembly Assembly { get; } = typeof(DbosException).Assembly;

    public static IReadOnlyList<Type> Types { get; } = [.. Assembly.GetTypes().Where(type => FolderOf(type) is not null)];

    public static IEnumerable<MethodBase> Methods =>
        Types.SelectMany(type => type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared)));

    /// <summary>The folder a type of the library was written in; null for types of others and those the compiler made on its own.</summary>
    public static string? FolderOf(Type type)
    {
        var outermost = type;
        while (outermost.DeclaringType is { } outer)
        {
            outermost = outer;
        }

        return outermost.Assembly != Assembly ? null
            : outermost.Namespace == Everyday ? FoldersOfEverydayTypes.Value.GetValueOrDefault(outermost.Name.Split('`')[0])
            : outermost.Namespace?.StartsWith(Everyday + ".", StringComparison.Ordinal) == true
                ? outermost.Namespace[(Everyday.Length + 1)..].Replace('.', '/')
                : null;
    }

    /// <summary>Types that a type of the library names anywhere: in its bases, members, signatures, locals and method bodies.</summary>
    public static IEnumerable<Type> TypesUsedBy(Type type)
    {
        var members = type.GetInterfaces()
            .Append(type.BaseType)
            .Concat(type.GetFields(Declared).Select(field => field.FieldType))
            .Concat(type.GetProperties(Declared).Select(property => property.PropertyType));
        var methods = type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared)).SelectMany(TypesUsedBy);
        return members.Concat(methods).OfType<Type>().SelectMany(Parts).Distinct();
    }

    /// <summary>Members that a method's body names.</summary>
    public static IEnumerable<MemberInfo> MembersUsedBy(MethodBase method)
    {
        var body = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var at = 0; at < body.Length;)
        {
            var code = body[at] == 0xFE ? OpCodesByValue[(short)(0xFE00 | body[at + 1])] : OpCodesByValue[body[at]];
            at += code.Size;
            if (code.OperandType is OperandType.InlineMethod or OperandType.InlineType or OperandType.InlineField or OperandType.InlineTok)
            {
                yield return Resolve(method, BitConverter.ToInt32(body, at));
            }

            at += code.OperandType == OperandType.InlineSwitch ? 4 + (4 * BitConverter.ToInt32(body, at)) : OperandSize(code.OperandType);
        }
    }

    private static IEnumerable<Type?> TypesUsedBy(MethodBase method)
    {
        var signature = method.GetParameters().Select(parameter => parameter.ParameterType).Append((method as MethodInfo)?.ReturnType);
        var locals = method.GetMethodBody()?.LocalVariables.Select(local => local.LocalType) ?? [];
        var used = MembersUsedBy(method).SelectMany(member => member switch
        {
            Type type => [type],
            MethodInfo called => (Type?[])[called.DeclaringType, called.ReturnType, .. called.GetGenericArguments()],
            _ => [member.DeclaringType],
        });
        return signature.Concat(locals).Concat(used);
    }

    private static MemberInfo Resolve(MethodBase method, int token)
    {
        var ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        var ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        return method.Module.ResolveMember(token, ofType, ofMethod)!;
    }

    private static int OperandSize(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    private static IEnumerable<Type> Parts(Type type)
    {
        if (type.HasElementType)
        {
            return Parts(type.GetElementType()!);
        }

        return type.IsConstructedGenericType
            ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition())
            : [type];
    }

    [GeneratedRegex(@"\b(?:(?:record\s+)?(?:class|struct)|interface|record|enum|delegate\s+\S+)\s+(?<name>[A-Z]\w*)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"^namespace Dbos\.Fluent;", RegexOptions.Multiline)]
    private static partial Regex EverydayNamespace();
}
